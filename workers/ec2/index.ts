import { render, type PropertyReader } from '../../src/model/properties.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
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
  const connection = picked(given, connectionOptions) as unknown as ConnectionOptions
  const template = { ...picked(given, machineOptions), ...(given.idle === 'stop' && { idle: 'stop' }) }
  const own: readonly string[] = [...connectionOptions, ...machineOptions, 'idle']
  const common = Object.fromEntries(Object.entries(given).filter(([key]) => !own.includes(key)))
  const description: LatentDescription<Ec2Template> = {
    backend: {
      kind: 'ec2',
      key: connectionKey(connection),
      open: (context) => Ec2Backend.open(connection, context),
    },
    // Only a computed one is asked for each build.
    template: (hasFunction(template)
      ? (properties: PropertyReader) => render(template, properties)
      : template) as unknown as LatentDescription<Ec2Template>['template'],
    ...(given.idle === 'stop' && { park: true }),
    mistakes: [
      ...connectionMistakes(given),
      ...templateMistakes(template),
      ...(idleWays.includes(given.idle) ? [] : ["idle: must be 'terminate' or 'stop'"]),
      ...(given.reset === undefined ? [] : ['reset: EC2 makes no machine pristine; leave it out']),
    ],
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

const idleWays: readonly unknown[] = [undefined, 'terminate', 'stop']

function picked(
  options: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  )
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}
