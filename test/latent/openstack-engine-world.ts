import type { LatentOptions } from '../../src/latent/latent-worker.ts'
import { openstackWorker, type ConnectionOptions, type ServerOptions } from '../../workers/openstack/index.ts'
import { OpenStackBackend } from '../../workers/openstack/openstack-backend.ts'
import {
  FakeOpenStack,
  type FakeOpenStackOptions,
} from '../workers/openstack/fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from '../workers/openstack/fake-openstack/serve-fake-openstack.ts'
import { authAt } from '../workers/openstack/open-openstack-backend.ts'
import { CloudEngineWorld, type CloudEngineOptions } from './cloud-engine-world.ts'

export interface OpenStackEngineOptions extends Pick<
  CloudEngineOptions<FakeOpenStack>,
  'command' | 'patient'
> {
  readonly cloud?: Omit<FakeOpenStackOptions, 'boot' | 'clock'>
  /** Of the only worker, 'cloud'. */
  readonly worker?: LatentOptions &
    Partial<ServerOptions> &
    Partial<ConnectionOptions> & { maxBuilds?: number }
}

/** The engine over a fake OpenStack. */
export function openStackEngineWorld({ cloud, worker: options = {}, ...others }: OpenStackEngineOptions) {
  return CloudEngineWorld.open<FakeOpenStack>({
    cloud: (o) => new FakeOpenStack({ ...cloud, ...o }),
    serve: serveFakeOpenStack,
    worker: (url, clock) => {
      const { image = 'debian-13', flavor = 'm1.small', listLag = 3, maxCallsPerSecond, ...rest } = options
      const connection = { auth: authAt(url), listLag, ...(maxCallsPerSecond && { maxCallsPerSecond }) }
      const worker = openstackWorker('cloud', { image, flavor, ...rest, ...connection })
      const open = (context: Parameters<typeof worker.backend.open>[0]) =>
        OpenStackBackend.open(connection, { ...context, readSecret: () => 'right' }, clock)
      return { ...worker, backend: { ...worker.backend, open } }
    },
    ...others,
  })
}
