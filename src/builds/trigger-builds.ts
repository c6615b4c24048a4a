import type { PropertySource } from '../model/properties.ts'
import type { TriggerOutcome, TriggerRequest } from '../steps/step.ts'
import type { StepHost } from './build-tools.ts'
import { Detached } from './detached.ts'
import { leftBehind } from './load-left-behind.ts'

/** Requests builds, under a key that makes asking again harmless, and waits for them if that is wanted. */
export async function triggerBuilds(
  host: StepHost,
  { builders, priority, properties = {}, source, wait = false }: TriggerRequest,
  { key, signal }: { key: string; signal: AbortSignal },
): Promise<TriggerOutcome> {
  const { facts, tools } = host
  const { requests } = await tools.requests.submit({
    builders,
    source: { ...facts.source, ...source },
    properties: Object.entries(properties).map(([name, value]) => ({ name, value, source: triggered })),
    priority: priority ?? host.priority,
    reason: `triggered by build ${facts.id} of ${facts.builder}`,
    origin: 'trigger',
    waitedFor: wait,
    idempotencyKey: key,
  })
  const made = requests.map(({ builder, id }) => ({ builder, id }))
  if (!wait) return { requests: made.map((request) => ({ ...request, result: null })) }
  const ids = made.map(({ id }) => id)
  try {
    const results = await tools.requests.ended(ids, signal)
    return { requests: made.map((request, i) => ({ ...request, result: results[i]! })) }
  } catch (error) {
    // When the master stops, the next one waits.
    if (signal.aborted && !(signal.reason instanceof Detached)) {
      const reason = leftBehind(facts.id, host.cancelReason)
      await Promise.all(ids.map((id) => tools.requests.cancel(id, reason)))
    }
    throw error
  }
}

const triggered: PropertySource = 'scheduler'
