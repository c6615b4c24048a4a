import type { Logger } from 'pino'
import type { Worker } from '../fleet/worker.ts'
import type { InstanceRow } from './instance-row.ts'
import type { LatentTools } from './latent-tools.ts'
import type { InstanceFacts } from './ledger.ts'

/** Tells of what is stored: to the log, the metrics and whoever listens to events. */
export function tellChange(
  { facts, worker }: { readonly facts: InstanceFacts; readonly worker: Worker },
  { after, before }: { readonly before: InstanceRow; readonly after: InstanceRow },
  { observer, publish }: LatentTools,
  log: Logger,
): void {
  const { detail, state, stopReason } = after
  const why = state === 'stopping' ? stopReason : detail
  if (before.state !== state) {
    observer.moved(facts.worker, before, after)
    log.info({ state, why: why ?? undefined }, `instance is ${state}`)
  } else if (shown.every((key) => before[key] === after[key])) return
  publish({
    type: 'instance.changed',
    instance: facts.id,
    name: worker.name,
    worker: facts.worker,
    state,
  })
}

/** What people see of it beside its state. */
const shown = ['attempt', 'detail', 'retryAt', 'stopReason'] as const
