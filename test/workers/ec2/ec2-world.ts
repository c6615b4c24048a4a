import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Instance, InstanceSpec } from '../../../src/latent/backend.ts'
import type { ConnectionOptions } from '../../../workers/ec2/connection-options.ts'
import type { Ec2Backend } from '../../../workers/ec2/ec2-backend.ts'
import type { Ec2Template } from '../../../workers/ec2/ec2-options.ts'
import type { MachineOptions } from '../../../workers/ec2/index.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { FakeEc2, type FakeEc2Options } from './fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from './fake-ec2/serve-fake-ec2.ts'
import { openEc2Backend, templateOf } from './open-ec2-backend.ts'

export const cluster = 'test-cluster'
export const plain: MachineOptions = { ami: 'ami-0aaa', instanceType: 'c7i.large' }

/** A fake EC2 and backends of it, until the test has finished. */
export class Ec2World {
  readonly cloud: FakeEc2
  readonly url: string
  backend!: Ec2Backend
  readonly #connection: Partial<ConnectionOptions>

  private constructor(cloud: FakeEc2, url: string, connection: Partial<ConnectionOptions>) {
    this.cloud = cloud
    this.url = url
    this.#connection = connection
  }

  static async open(
    options: FakeEc2Options = {},
    connection: Partial<ConnectionOptions> = {},
  ): Promise<Ec2World> {
    const cloud = new FakeEc2(options)
    const served = await serveFakeEc2(cloud)
    onTestFinished(async () => {
      await served.close()
      await cloud.close()
    })
    const world = new Ec2World(cloud, served.url, connection)
    await world.restart()
    return world
  }

  /** A backend that knows nothing, as of a master that was killed and started again. */
  async restart(connection: Partial<ConnectionOptions> = {}): Promise<void> {
    const options = {
      endpoint: this.url,
      listLag: 0.1,
      maxCallsPerSecond: 1000,
      ...this.#connection,
      ...connection,
    }
    const backend = await openEc2Backend(options, cluster)
    onTestFinished(() => backend.close())
    this.backend = backend
  }

  spec(
    options: MachineOptions & { idle?: 'stop' } = {},
    change: Partial<InstanceSpec<Ec2Template>> = {},
  ): InstanceSpec<Ec2Template> {
    return {
      id: `rouse-${randomBytes(6).toString('hex')}`,
      worker: 'cloud',
      name: 'cloud/1',
      template: templateOf({ ...plain, ...options }),
      generation: 1,
      token: 'a-token',
      agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['wss://ci.example.com'] },
      expiresAt: new Date('2026-12-24T18:00:00Z'),
      ...change,
    }
  }

  start(spec: InstanceSpec<Ec2Template>): Promise<Instance> {
    return this.backend.start(spec, call())
  }

  /** Why a start came to nothing. */
  async refusal(spec: InstanceSpec<Ec2Template>): Promise<{ code?: string; message: string }> {
    return this.start(spec).then(
      () => ({ message: 'it was started' }),
      (error: Error & { code?: string }) => ({ code: error.code!, message: error.message }),
    )
  }

  async list(): Promise<readonly Instance[]> {
    return this.backend.list(call())
  }

  stop(id: string): Promise<void> {
    return this.backend.stop(id, call())
  }

  /** The actions of the calls since the last look. */
  actions(): string[] {
    return this.cloud.calls.splice(0).map(({ action }) => action)
  }
}
