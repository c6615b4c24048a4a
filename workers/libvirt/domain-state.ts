import type { Instance } from '../../src/latent/backend.ts'
import type { DomainFacts } from './domain-calls.ts'
import type { Stamp } from './stamps.ts'

/** Whether the machine exists and takes memory. */
export function isActive({ state }: DomainFacts): boolean {
  return state !== states.shutOff
}

/** Whether it is off because its system has shut down, and so has written all it had to its disk. */
export function hasShutDown({ reason, state }: DomainFacts): boolean {
  return state === states.shutOff && reason === shutDown
}

/** What a domain is as an instance. */
export function instanceOf(facts: DomainFacts, stamp: Stamp): Instance {
  const { cluster, generation, id, worker } = stamp
  const failure = failureOf(facts, stamp)
  return {
    ...{ id, cluster, worker, ref: facts.uuid },
    state: failure === undefined ? (isActive(facts) ? 'running' : 'starting') : 'failed',
    detail:
      failure ?? (generation > 1 ? `domain ${facts.name}, generation ${generation}` : `domain ${facts.name}`),
  }
}

function failureOf({ reason, state }: DomainFacts, { started }: Stamp): string | undefined {
  if (state === states.crashed) return 'the machine has crashed'
  if (state === states.paused && reason === ioError)
    return 'the machine stands still: its disk cannot be written. Is the storage pool full?'
  if (state !== states.shutOff) return undefined
  return ends.get(reason) ?? (started ? 'the machine is off' : undefined)
}

const states = { paused: 3, shutOff: 5, crashed: 6 }
const ioError = 5
/** virDomainShutoffReason */
const shutDown = 1
const ends = new Map([
  [shutDown, 'the machine has shut itself down'],
  [2, 'the machine was ended by somebody else'],
  [3, 'the machine has crashed'],
  [8, 'libvirt has ended the machine'],
])
