import type { InstanceState } from '../model/instance-state.ts'
import type { ApiInstance } from './instance-api.ts'

/** What a latent worker does, in one sentence: '2 of 4 instances: 1 busy, 1 starting'. */
export function latentStatus(
  max: number,
  instances: readonly Pick<ApiInstance, 'state' | 'stopReason'>[],
): string {
  const counts = new Map<string, number>()
  for (const instance of instances) {
    const word = wordOf(instance)
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const told = order.flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : []))
  const all = `${instances.length} of ${max} ${max === 1 ? 'instance' : 'instances'}`
  return told.length === 0 ? all : `${all}: ${told.join(', ')}`
}

function wordOf({ state, stopReason }: Pick<ApiInstance, 'state' | 'stopReason'>): string {
  if (state === 'attached' && stopReason !== null) return 'stopping'
  return words[state]
}

const words: Readonly<Record<InstanceState, string>> = {
  requested: 'starting',
  starting: 'starting',
  sealing: 'starting',
  resetting: 'starting',
  parking: 'parked',
  parked: 'parked',
  attached: 'idle',
  busy: 'busy',
  stopping: 'stopping',
  gone: 'gone',
}
const order = ['busy', 'idle', 'starting', 'parked', 'stopping', 'gone']
