import { onTestFinished } from 'vitest'
import type { InstanceSpec } from '../../../src/latent/backend.ts'
import type { ConnectionOptions } from '../../../workers/openstack/connection-options.ts'
import type { ServerOptions } from '../../../workers/openstack/index.ts'
import type { OpenStackBackend } from '../../../workers/openstack/openstack-backend.ts'
import type { OpenStackTemplate } from '../../../workers/openstack/openstack-options.ts'
import { CloudWorld } from '../../backends/cloud-world.ts'
import { FakeOpenStack, type FakeOpenStackOptions } from './fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from './fake-openstack/serve-fake-openstack.ts'
import { authAt, openOpenStackBackend, templateOf } from './open-openstack-backend.ts'

export const cluster = 'test-cluster'

/** A fake OpenStack and backends of it, until the test has finished. */
export class OpenStackWorld extends CloudWorld<OpenStackTemplate, OpenStackBackend, FakeOpenStack> {
  readonly #connection: ConnectionOptions

  private constructor(cloud: FakeOpenStack, url: string, connection: ConnectionOptions) {
    super(cloud, url)
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
    return this.specOf(templateOf({ image: 'debian-13', flavor: 'm1.small', ...options }), change)
  }
}
