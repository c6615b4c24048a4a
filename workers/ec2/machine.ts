import type { Instance as Ec2Instance } from '@aws-sdk/client-ec2'
import type { Instance } from '../../src/latent/backend.ts'
import { fromTags, tags } from './stamps.ts'

/** What EC2 says of one instance, as far as Rouse wants to know it. */
export interface Machine {
  readonly ref: string
  /** 'pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped' */
  state: string
  readonly tags: Readonly<Record<string, string>>
  readonly spot: boolean
  /** Volumes that it has. */
  readonly volumes: readonly string[]
  /** For people: type, zone, address. */
  readonly description: string
  /** Why it is in this state, in AWS's words: 'Server.SpotInstanceTermination: ...'. */
  readonly reason: string
}

export function machineOf(found: Ec2Instance): Machine {
  const {
    InstanceId = '',
    InstanceLifecycle,
    InstanceType,
    Placement,
    PublicIpAddress,
    State,
    StateReason,
  } = found
  const own = fromTags(found.Tags)
  const spot = InstanceLifecycle === 'spot'
  const image = own[tags.image] ?? found.ImageId
  const parts = [
    `${InstanceType ?? 'unknown type'}${spot ? ' (spot)' : ''}`,
    Placement?.AvailabilityZone,
    image,
    PublicIpAddress,
  ]
  const volumes = (found.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.VolumeId ?? [])
  const { Code, Message } = StateReason ?? {}
  // The message repeats its code.
  const reason = Message?.startsWith(`${Code}`) ? Message : [Code, Message].filter(Boolean).join(': ')
  return {
    ref: InstanceId,
    state: State?.Name ?? 'pending',
    tags: own,
    spot,
    volumes,
    description: parts.filter(Boolean).join(', '),
    reason: reason || (found.StateTransitionReason ?? ''),
  }
}

/** Undefined: it has ended because somebody wanted it to, and nothing of it is left. */
export function asInstance(machine: Machine, trouble?: string): Instance | undefined {
  const { description, ref, state } = machine
  const common = {
    id: machine.tags[tags.instance] ?? '',
    cluster: machine.tags[tags.cluster] ?? '',
    worker: machine.tags[tags.worker] ?? '',
    ref,
  }
  const says = trouble === undefined ? description : `${description}; ${trouble}`
  switch (state) {
    case 'pending':
      return { ...common, state: 'starting', detail: says }
    case 'running':
      return { ...common, state: 'running', detail: says }
    case 'shutting-down':
      return { ...common, state: endedByItself(machine) ? 'failed' : 'stopping', detail: failure(machine) }
    case 'stopping':
    case 'stopped':
      return { ...common, state: 'stopped', detail: failure(machine) }
    case 'terminated':
      return endedByItself(machine) ? { ...common, state: 'failed', detail: failure(machine) } : undefined
    default:
      return { ...common, state: 'running', detail: says }
  }
}

export function isEnding({ state }: Machine): boolean {
  return state === 'shutting-down' || state === 'terminated'
}

/** Nobody has called TerminateInstances for it. */
export function endedByItself({ reason }: Machine): boolean {
  return /^(Server\.|Client\.(?!UserInitiated))/.test(reason)
}

function failure({ description, reason, state }: Machine): string {
  const why = reasons.find(([pattern]) => pattern.test(reason))?.[1]
  const said = reason === '' ? `it is ${state}` : why === undefined ? reason : `${why} (${reason})`
  return `${said}; ${description}`
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/SpotInstance(Termination|Shutdown)/, 'AWS took the spot instance back'],
  [/InstanceInitiatedShutdown/, 'the machine powered itself off'],
  [/Insufficient\w*Capacity/, 'AWS had no room for it after all'],
  [/VolumeLimitExceeded/, 'the quota of disks is used up'],
  [/InternalError/, 'AWS could not start it'],
]
