import type { LatentOptions } from '../../src/latent/latent-worker.ts'
import { secret } from '../../src/model/secret.ts'
import { Ec2Backend } from '../../workers/ec2/ec2-backend.ts'
import {
  ec2Worker,
  type ConnectionOptions,
  type Ec2WorkerOptions,
  type MachineOptions,
} from '../../workers/ec2/index.ts'
import { FakeEc2, type FakeEc2Options } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import { CloudEngineWorld, type CloudEngineOptions } from './cloud-engine-world.ts'

type WorkerOptions = LatentOptions &
  Pick<Ec2WorkerOptions, 'idle'> &
  Partial<MachineOptions> &
  Partial<ConnectionOptions> & { maxBuilds?: number }

export interface Ec2EngineOptions extends Pick<CloudEngineOptions<FakeEc2>, 'command' | 'patient'> {
  readonly cloud?: Omit<FakeEc2Options, 'boot' | 'clock'>
  /** Of the only worker, 'cloud'. */
  readonly worker?: WorkerOptions
}

/** The engine over the real SDK and a fake EC2. */
export function ec2EngineWorld({ cloud, worker: options = {}, ...others }: Ec2EngineOptions) {
  return CloudEngineWorld.open<FakeEc2>({
    cloud: (o) => new FakeEc2({ ...cloud, ...o }),
    serve: serveFakeEc2,
    worker: (url, clock) => {
      const { ami = 'ami-0aaa', instanceType = 'c7i.large', ...rest } = options
      const connection = {
        region: 'eu-test-1',
        endpoint: url,
        credentials: { accessKeyId: 'AKIDFAKE', secretAccessKey: secret('AWS') },
        listLag: rest.listLag ?? 3,
        maxCallsPerSecond: rest.maxCallsPerSecond ?? 10,
      }
      const worker = ec2Worker('cloud', { ami, instanceType, ...rest, ...connection })
      const open = (context: Parameters<typeof worker.backend.open>[0]) =>
        Ec2Backend.open(connection, { ...context, readSecret: () => 'not-a-secret' }, clock)
      return { ...worker, backend: { ...worker.backend, open } }
    },
    ...others,
  })
}
