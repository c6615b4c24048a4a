import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { messageOf } from '../model/errors.ts'
import { render } from '../model/properties.ts'
import { isResult, type Result } from '../model/results.ts'
import type { BuildFacts, Step, StepOutcome } from '../steps/step.ts'
import type { Place } from '../fleet/worker.ts'
import type { BuilderConfig } from '../config/types.ts'
import type { BuildTools, StepHost } from './build-tools.ts'
import { InfrastructureFailure } from './command.ts'
import type { PendingRequest } from './pending-queue.ts'
import type { ClaimedBuild } from './store-claim.ts'
import { afterStep, atStart, skipReason } from './step-rules.ts'
import { StepRun } from './step-run.ts'

export interface BuildOutcome {
  readonly result: Result
  readonly summary: string | null
  /** True when the infrastructure failed: the request deserves another attempt. */
  readonly infrastructure: boolean
}

interface RunningBuildOptions {
  readonly claimed: ClaimedBuild
  readonly request: PendingRequest
  readonly place: Place
  readonly runId: string
  readonly builder: BuilderConfig
  readonly tools: BuildTools
}

/** One build while it runs on this master. */
export class RunningBuild implements StepHost {
  readonly claimed: ClaimedBuild
  readonly place: Place
  readonly runId: string
  readonly tools: BuildTools
  readonly facts: BuildFacts
  /** What the builder adds to the environment of every command. */
  env: Readonly<Record<string, string>> = {}
  readonly request: PendingRequest
  readonly #builder: BuilderConfig
  #abandoned: string | undefined
  #cancel = new AbortController()
  cancelReason: string | undefined

  constructor(o: RunningBuildOptions) {
    this.claimed = o.claimed
    this.request = o.request
    this.place = o.place
    this.runId = o.runId
    this.tools = o.tools
    this.#builder = o.builder
    this.facts = Object.freeze({
      id: o.claimed.id,
      requestId: o.claimed.requestId,
      attempt: o.claimed.attempt,
      builder: o.builder.name,
      worker: o.place.worker.name,
      reason: o.claimed.reason,
      source: o.claimed.source,
    })
  }

  cancel(reason: string): void {
    this.cancelReason ??= reason
    this.#cancel.abort(reason)
  }

  /** Ends the build as an infrastructure failure, without waiting for its agent. */
  abandon(reason: string): void {
    this.#abandoned ??= reason
    this.#cancel.abort(reason)
  }

  /** Runs the steps in order. Never throws: whatever happens becomes an outcome. */
  async run(): Promise<BuildOutcome> {
    let progress = atStart
    let summary: string | null = null
    try {
      this.env = render(this.#builder.env ?? {}, this.claimed.properties) as Record<string, string>
      for (const { id, number, step } of this.claimed.steps) {
        const skipped = skipReason(step, progress, this.claimed.properties)
        const outcome = skipped ? await this.#skip(id, skipped) : await this.#runStep(id, number, step)
        const before = progress.result
        progress = afterStep(step, outcome.result, progress)
        if (progress.result !== before)
          summary ??= `${step.name}: ${outcome.summary ?? outcome.result.toLowerCase()}`
        if (progress.result === 'CANCELLED' && this.#cancel.signal.aborted)
          this.#cancel = new AbortController()
      }
      if (progress.result === 'CANCELLED') summary = this.cancelReason ?? summary
      return { result: progress.result, summary, infrastructure: false }
    } catch (error) {
      if (this.cancelReason !== undefined) {
        return { result: 'CANCELLED', summary: this.cancelReason, infrastructure: false }
      }
      const infrastructure = error instanceof InfrastructureFailure
      if (!infrastructure)
        this.tools.log.error({ err: error, build: this.claimed.id }, 'a build could not go on')
      return { result: infrastructure ? 'RETRY' : 'EXCEPTION', summary: messageOf(error), infrastructure }
    }
  }

  async #runStep(id: number, number: number, step: Step): Promise<StepOutcome> {
    const { commit, publish } = this.tools
    const context = new StepRun(this, id, this.#cancel.signal)
    // Not awaited alone: it goes into the same transaction as the step's first command.
    const started = commit
      .write((trx) =>
        trx
          .updateTable('steps')
          .set({ started_at: sql<Date>`now()` })
          .where('id', '=', id)
          .execute(),
      )
      .then(() =>
        publish({ type: 'step.started', build: this.claimed.id, step: id, number, name: step.name }),
      )
    const [outcome] = await Promise.all([this.#outcome(step, context), started])
    const finished = context.finishLogs()
    const stored = commit.write((trx) => storeStepEnd(trx, id, outcome))
    await Promise.all([finished, stored])
    publish({
      type: 'step.finished',
      build: this.claimed.id,
      step: id,
      number,
      name: step.name,
      result: outcome.result,
    })
    return outcome
  }

  async #outcome(step: Step, context: StepRun): Promise<StepOutcome> {
    if (context.signal.aborted) return this.#cancelled()
    try {
      const returned = await step.run(context)
      const outcome = returned === undefined ? success : isResult(returned) ? { result: returned } : returned
      if (!isResult(outcome?.result))
        throw new TypeError(`step "${step.name}" returned ${JSON.stringify(returned)}`)
      return context.signal.aborted && outcome.result !== 'SUCCESS' ? this.#cancelled() : outcome
    } catch (error) {
      if (error instanceof InfrastructureFailure) {
        if (this.cancelReason === undefined) throw error
        return this.#cancelled()
      }
      if (context.signal.aborted) return this.#cancelled()
      await context.note(`The step threw an error:\n${(error as Error)?.stack ?? String(error)}`)
      return { result: 'EXCEPTION', summary: messageOf(error) }
    }
  }

  #cancelled(): StepOutcome {
    if (this.#abandoned !== undefined) throw new InfrastructureFailure(this.#abandoned)
    return { result: 'CANCELLED', ...(this.cancelReason === undefined ? {} : { summary: this.cancelReason }) }
  }

  async #skip(id: number, summary: string): Promise<StepOutcome> {
    const outcome = { result: 'SKIPPED', summary } as const
    await this.tools.commit.write((trx) => storeStepEnd(trx, id, outcome))
    return outcome
  }
}

function storeStepEnd(
  trx: Transaction<Database>,
  id: number,
  { result, summary }: StepOutcome,
): Promise<unknown> {
  return trx
    .updateTable('steps')
    .set({ result, summary: summary?.slice(0, 1000) ?? null, finished_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('result', 'is', null)
    .execute()
}

const success: StepOutcome = { result: 'SUCCESS' }
