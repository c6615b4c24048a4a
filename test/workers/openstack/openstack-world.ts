import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Instance, InstanceSpec } from '../../../src/latent/backend.ts'
import type { ConnectionOptions } from '../../../workers/openstack/connection-options.ts'
import type { ServerOptions } from '../../../workers/openstack/index.ts'
import type { OpenStackBackend } from '../../../workers/openstack/openstack-backend.ts'
import type { OpenStackTemplate } from '../../../workers/openstack/openstack-options.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { FakeOpenStack, type FakeOpenStackOptions } from './fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from './fake-openstack/serve-fake-openstack.ts'
import { authAt, openOpenStackBackend, templateOf } from './open-openstack-backend.ts'

export const cluster = 'test-cluster'

/** A fake OpenStack and backends of it, until the test has finished. */
export class OpenStackWorld {
  readonly cloud: FakeOpenStack
  readonly url: string
  backend!: OpenStackBackend
  readonly #connection: ConnectionOptions

  private constructor(cloud: FakeOpenStack, url: string, connection: ConnectionOptions) {
    this.cloud = cloud
    this.url = url
    this.#connection = connection
  }

  static async open(
    options: FakeOpenStackOptions = {},
    connection: (url: string) => ConnectionOptions = (url) => ({ auth: authAt(url) }),
  ): Promise<OpenStackWorld> {
    const cloud = new FakeOpenStack(options)
    const served = await serveFakeOpenStack(cloud)
    onTestFinished(async () => {
      await served.close()
      await cloud.close()
    })
    const world = new OpenStackWorld(cloud, served.url, connection(served.url))
    await world.restart()
    return world
  }

  /** A backend that knows nothing, as of a master that was killed and started again. */
  async restart(): Promise<void> {
    const options = { listLag: 0.1, maxCallsPerSecond: 1000, ...this.#connection }
    const backend = await openOpenStackBackend(options, cluster, this.cloud.clock)
    onTestFinished(() => backend.close())
    this.backend = backend
  }

  spec(
    options: ServerOptions = {},
    change: Partial<InstanceSpec<OpenStackTemplate>> = {},
  ): InstanceSpec<OpenStackTemplate> {
    return {
      id: `rouse-${randomBytes(6).toString('hex')}`,
      worker: 'cloud',
      name: 'cloud/1',
      template: templateOf({ image: 'debian-13', flavor: 'm1.small', ...options }),
      generation: 1,
      token: 'a-token',
      agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['wss://ci.example.com'] },
      expiresAt: new Date('2026-12-24T18:00:00Z'),
      ...change,
    }
  }

  start(spec: InstanceSpec<OpenStackTemplate>): Promise<Instance> {
    return this.backend.start(spec, call())
  }

  /** Why a start came to nothing. */
  async refusal(spec: InstanceSpec<OpenStackTemplate>): Promise<{ code?: string; message: string }> {
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
