import { isImageReference } from '../../src/model/image.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import { templateOf } from '../../src/latent/template-of.ts'
import { omit, pick } from '../../src/util/pick.ts'
import {
  connectionKey,
  connectionMistakes,
  connectionOptions,
  type ConnectionOptions,
} from './connection-options.ts'
import { Ec2Backend } from './ec2-backend.ts'
import {
  machineOptions,
  type Ec2Template,
  type Ec2WorkerConfig,
  type Ec2WorkerOptions,
} from './ec2-options.ts'
import { imageUse } from './image-use.ts'
import { templateMistakes } from './template-mistakes.ts'

export type { AssumedRole, ConnectionOptions, Ec2Credentials } from './connection-options.ts'
export type {
  AttachedVolume,
  BlockDevice,
  Ec2WorkerConfig,
  Ec2WorkerOptions,
  ImageFilter,
  MachineOptions,
  Placement,
  SpotOptions,
} from './ec2-options.ts'

/** A worker whose instances are machines of Amazon EC2, started when there is something to build. */
export function ec2Worker(name: string, options: Ec2WorkerOptions): Ec2WorkerConfig {
  const given: Readonly<Record<string, unknown>> = { ...options }
  const connection = pick(given, connectionOptions) as unknown as ConnectionOptions
  const use = isImageReference(given.ami) ? given.ami : undefined
  const template = {
    ...pick(use ? omit(given, ['ami']) : given, machineOptions),
    ...(given.idle === 'stop' && { idle: 'stop' }),
  }
  const common = omit(given, [...connectionOptions, ...machineOptions, 'idle'])
  const description: LatentDescription<Ec2Template> = {
    backend: {
      kind: 'ec2',
      key: connectionKey(connection),
      open: (context) => Ec2Backend.open(connection, context),
    },
    ...(use && { image: imageUse(use.name, template) }),
    template: templateOf(template),
    ...(given.idle === 'stop' && { park: true }),
    mistakes: [
      ...connectionMistakes(given),
      ...templateMistakes(use ? { ...template, ami: 'ami-0' } : template),
      ...(idleWays.includes(given.idle) ? [] : ["idle: must be 'terminate' or 'stop'"]),
      ...(given.reset === undefined ? [] : ['reset: EC2 makes no machine pristine; leave it out']),
    ],
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

const idleWays: readonly unknown[] = [undefined, 'terminate', 'stop']
