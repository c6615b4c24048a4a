import { onTestFinished } from 'vitest'
import type { InstanceSpec } from '../../../src/latent/backend.ts'
import type { ConnectionOptions } from '../../../workers/ec2/connection-options.ts'
import type { Ec2Backend } from '../../../workers/ec2/ec2-backend.ts'
import type { Ec2Template } from '../../../workers/ec2/ec2-options.ts'
import type { MachineOptions } from '../../../workers/ec2/index.ts'
import { CloudWorld } from '../../backends/cloud-world.ts'
import { FakeEc2, type FakeEc2Options } from './fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from './fake-ec2/serve-fake-ec2.ts'
import { openEc2Backend, templateOf } from './open-ec2-backend.ts'

export const cluster = 'test-cluster'
export const plain: MachineOptions = { ami: 'ami-0aaa', instanceType: 'c7i.large' }

/** A fake EC2 and backends of it, until the test has finished. */
export class Ec2World extends CloudWorld<Ec2Template, Ec2Backend, FakeEc2> {
  readonly #connection: Partial<ConnectionOptions>

  private constructor(cloud: FakeEc2, url: string, connection: Partial<ConnectionOptions>) {
    super(cloud, url)
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
    return this.specOf(templateOf({ ...plain, ...options }), change)
  }
}
