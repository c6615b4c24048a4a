import type { Step } from '../steps/step.ts'
import { addedBy } from './added-by.ts'
import type { StepHost } from './build-tools.ts'
import { stepContext } from './step-context.ts'
import { StepRun } from './step-run.ts'
import { ConfigChanged, type StoredCalls } from './stored-calls.ts'

/**
 * Runs the function of a step that has ended once more, with its stored answers only, until it has told what the steps are
 * that it added. Nothing outside is touched. Throws ConfigChanged when it asks for anything else than before.
 */
export async function replayStep(
  host: StepHost,
  { id, step, stored }: { readonly id: number; readonly step: Step; readonly stored: StoredCalls },
): Promise<void> {
  const ids = addedBy(stored)
  if (ids.length === 0) return
  const { promise: known, resolve } = Promise.withResolvers<void>()
  const replay = { added: () => host.plan.knows(ids) && resolve() }
  const over = new AbortController()
  const context = new StepRun(host, id, over.signal, stored, replay)
  // However it ends: what counts is what it has told.
  const ended = (async () => step.run(stepContext(context)))().then(
    () => {},
    () => {},
  )
  const enough = host.tools.clock.sleep(patience, over.signal).catch(() => {})
  await Promise.race([known, ended, enough])
  over.abort(new Error('the step is over'))
  await context.end()
  if (host.plan.knows(ids)) return
  throw context.lost ?? new ConfigChanged(`step "${step.name}" does not add the steps any more that it added`)
}

/** Milliseconds: all answers are there already. */
const patience = 5000
