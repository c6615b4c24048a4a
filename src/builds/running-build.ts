import { inspect } from 'node:util'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { messageOf } from '../model/errors.ts'
import { render, type PropertyReader } from '../model/properties.ts'
import { isResult, type Result } from '../model/results.ts'
import type { Secret } from '../model/secret.ts'
import type { BuildFacts, Step, StepOutcome } from '../steps/step.ts'
import type { Place } from '../fleet/worker.ts'
import type { BuilderConfig } from '../config/types.ts'
import { BuildCommit } from './build-commit.ts'
import type { BuildTools, StepHost } from './build-tools.ts'
import { InfrastructureFailure } from './command.ts'
import { Detached } from './detached.ts'
import type { PendingRequest } from './pending-queue.ts'
import { replayStep } from './replay-step.ts'
import { StepPlan, type PlannedStep } from './step-plan.ts'
import type { ClaimedBuild } from './store-claim.ts'
import { ConfigChanged, nothingStored, type StoredCalls } from './stored-calls.ts'
import { afterStep, atStart, skipReason, type Progress } from './step-rules.ts'
import { stepContext } from './step-context.ts'
import { takeStepLocks } from './step-locks.ts'
import { isNotTheSteps, StepRun } from './step-run.ts'

export interface BuildOutcome {
  readonly result: Result
  readonly summary: string | null
  /** Whether the request deserves another attempt: 'counted' against maxInfraRetries, or 'free' where nobody is to blame. */
  readonly again: false | 'counted' | 'free'
}

/** This master lets go of the build; nothing is to be stored. */
export type Left = 'left'

interface RunningBuildOptions {
  readonly claimed: ClaimedBuild
  readonly request: PendingRequest
  readonly place: Place
  readonly runId: string
  readonly builder: BuilderConfig
  readonly tools: BuildTools
  /** The builder has other steps than those that the build was begun with. */
  readonly changed?: boolean
}

/** One build while it runs on this master. */
export class RunningBuild implements StepHost {
  readonly claimed: ClaimedBuild
  readonly plan: StepPlan
  readonly heldLocks: ReadonlySet<string>
  readonly place: Place
  readonly runId: string
  readonly tools: BuildTools
  readonly commit: BuildCommit
  readonly facts: BuildFacts
  /** What the builder adds to the environment of every command. */
  env: Readonly<Record<string, string | Secret>> = {}
  readonly request: PendingRequest
  readonly #builder: BuilderConfig
  readonly #changed: boolean
  #leaving = false
  /** Steps that ran here: what they left open is theirs to end. */
  readonly #asked = new Set<number>()
  #cancel = new AbortController()
  cancelReason: string | undefined

  constructor(o: RunningBuildOptions) {
    this.claimed = o.claimed
    this.plan = new StepPlan(o.claimed.steps)
    const locks = [...(o.builder.locks ?? []), ...o.place.worker.spec.locks]
    this.heldLocks = new Set(locks.map(({ lock }) => lock.name))
    this.request = o.request
    this.place = o.place
    this.runId = o.runId
    this.tools = o.tools
    this.commit = new BuildCommit({ ...o.tools, buildId: o.claimed.id })
    this.#builder = o.builder
    this.#changed = o.changed ?? false
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

  get priority(): number {
    return this.request.priority
  }

  cancel(reason: string): void {
    this.cancelReason ??= reason
    this.#cancel.abort(new Error(reason))
  }

  /** Lets go of the build as it is, for the next master to take up. */
  leave(): void {
    this.#leaving = true
    this.#cancel.abort(new Detached('the master is stopping'))
  }

  /** Runs the steps in order. Never throws: whatever happens becomes an outcome. */
  async run(): Promise<BuildOutcome | Left> {
    try {
      this.env = render(this.#builder.env ?? {}, this.claimed.properties) as Record<string, string | Secret>
      if (this.#changed) throw new ConfigChanged('the steps of the builder changed while the build ran')
      return await this.#runSteps()
    } catch (error) {
      if (this.#leaving || error instanceof Detached) return 'left'
      if (error instanceof ConfigChanged) await this.#outlast()
      if (this.#leaving) return 'left'
      if (this.cancelReason !== undefined) return ended('CANCELLED', this.cancelReason)
      if (error instanceof ConfigChanged) return { ...ended('RETRY', error.message), again: 'free' }
      if (error instanceof InfrastructureFailure)
        return { ...ended('RETRY', error.message), again: error.counts ? 'counted' : 'free' }
      this.tools.log.error({ err: error, build: this.claimed.id }, 'a build could not go on')
      return ended('EXCEPTION', messageOf(error))
    }
  }

  /** Lets the command in flight of a build whose steps have changed come to its end: nothing runs beside it. */
  async #outlast(): Promise<void> {
    for (const { ended: done, id, stored } of this.plan) {
      if (done || !stored || this.#asked.has(id)) continue
      await new StepRun(this, id, this.#cancel.signal, stored).outlast()
    }
  }

  async #runSteps(): Promise<BuildOutcome> {
    let progress = atStart
    let summary: string | undefined
    let ran = false
    for (const planned of this.plan) {
      const { ended: end, id, step, stored = nothingStored } = planned
      if (!step) {
        await this.#skipUnknown(planned)
        continue
      }
      if (end) {
        await replayStep(this, { id, step, stored })
        const { result } = progress
        progress = afterStep(step, end.result, progress)
        if (progress.result !== result) summary ??= summaryOf(step, end)
        ran ||= end.result !== 'SKIPPED'
        continue
      }
      if (this.#cancel.signal.aborted) {
        const { result } = this.#cancelled()
        progress = afterStep(step, result, progress)
        // Steps that always run do so after a cancel too; another cancel ends those.
        this.#cancel = new AbortController()
      }
      const run = runOf(step, progress, this.claimed.properties)
      const outcome =
        typeof run === 'string' ? await this.#skip(id, run) : await this.#runStep({ id, step, stored }, run)
      const before = progress.result
      progress = afterStep(step, outcome.result, progress)
      if (progress.result !== before) summary ??= summaryOf(step, outcome)
      ran ||= outcome.result !== 'SKIPPED'
    }
    if (progress.result === 'CANCELLED') return ended('CANCELLED', this.cancelReason ?? summary)
    return ran ? ended(progress.result, summary) : ended('SKIPPED', 'no step had anything to do')
  }

  async #runStep(
    { id, step, stored }: { id: number; step: Step; stored: StoredCalls },
    run: Step['run'],
  ): Promise<StepOutcome> {
    const { commit, tools } = this
    const number = this.plan.numberOf(id)
    const facts = { build: this.claimed.id, step: id, number, name: step.name }
    const context = new StepRun(this, id, this.#cancel.signal, stored)
    this.#asked.add(id)
    // Not awaited alone: it goes into the same transaction as the step's first command.
    const started = commit
      .write((trx) =>
        trx
          .updateTable('steps')
          .set({ started_at: sql<Date>`coalesce(started_at, now())` })
          .where('id', '=', id)
          .execute(),
      )
      .then(() => tools.publish({ type: 'step.started', ...facts }))
    const { locks = [], name } = step
    const note = (line: string, key: string) => context.note(line, key)
    const locked = { id, number, name, locks, stored, signal: context.signal, note }
    const begin = async () => {
      await takeStepLocks(this, locked)
      return run(stepContext(context))
    }
    let outcome: StepOutcome
    try {
      const [plain] = await Promise.all([this.#outcome(begin, context), started])
      outcome = context.hidden(plain)
    } catch (error) {
      if (error instanceof ConfigChanged) await context.outlast()
      throw error
    } finally {
      await context.end()
      tools.locks.releaseStep(id)
    }
    const finished = context.finishLogs()
    const end = commit.write((trx) => storeStepEnd(trx, id, outcome))
    await Promise.all([finished, end])
    tools.publish({ type: 'step.finished', ...facts, result: outcome.result })
    return outcome
  }

  async #outcome(begin: () => ReturnType<Step['run']>, context: StepRun): Promise<StepOutcome> {
    const { signal } = context
    if (signal.aborted) return this.#cancelled()
    try {
      const outcome = outcomeOf(await Promise.race([begin(), context.unheeded()]))
      if (this.#leaving) throw new Detached('the master is stopping')
      if (outcome.result === 'SUCCESS') return outcome
      if (context.lost && this.cancelReason === undefined) throw context.lost
      return signal.aborted ? this.#cancelled() : outcome
    } catch (error) {
      if (signal.aborted) return this.#cancelled()
      if (context.lost) throw context.lost
      if (isNotTheSteps(error)) throw error
      await context.note(`The step threw an error:\n${(error as Error)?.stack ?? String(error)}`)
      return { result: 'EXCEPTION', summary: messageOf(error) }
    }
  }

  #cancelled(): StepOutcome {
    if (this.#leaving) throw new Detached('the master is stopping')
    return { result: 'CANCELLED', ...(this.cancelReason === undefined ? {} : { summary: this.cancelReason }) }
  }

  /** The step that added this one was run again and has not told what it is: a cancelled build needs not know. */
  async #skipUnknown({ ended: end, id }: PlannedStep): Promise<void> {
    if (this.cancelReason === undefined)
      throw new ConfigChanged('a step does not add the steps any more that it added')
    if (!end) await this.#skip(id, 'the build was cancelled')
  }

  async #skip(id: number, summary: string): Promise<StepOutcome> {
    const outcome = { result: 'SKIPPED', summary } as const
    await this.commit.write((trx) => storeStepEnd(trx, id, outcome))
    return outcome
  }
}

/** What the step does, or why it is skipped. A doStepIf that throws is the step's own failure. */
function runOf(step: Step, progress: Progress, properties: PropertyReader): Step['run'] | string {
  try {
    return skipReason(step, progress, properties) ?? ((context) => step.run(context))
  } catch (error) {
    return async () => {
      throw error
    }
  }
}

function outcomeOf(returned: unknown): StepOutcome {
  if (returned === undefined) return { result: 'SUCCESS' }
  if (isResult(returned)) return { result: returned }
  const { result, summary } = Object(returned) as Partial<StepOutcome>
  if (isResult(result)) return summary === undefined ? { result } : { result, summary: String(summary) }
  const got = inspect(returned, { depth: 1, breakLength: Infinity }).slice(0, 200)
  throw new TypeError(`the step returned ${got}: it may return nothing, a result, or { result, summary }`)
}

function summaryOf(step: Step, { result, summary }: StepOutcome): string {
  return `${step.name}: ${summary ?? result.toLowerCase()}`
}

function ended(result: Result, summary: string | undefined): BuildOutcome {
  return { result, summary: storable(summary), again: result === 'RETRY' && 'counted' }
}

function storeStepEnd(
  trx: Transaction<Database>,
  id: number,
  { result, summary }: StepOutcome,
): Promise<unknown> {
  return trx
    .updateTable('steps')
    .set({ result, summary: storable(summary), finished_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('result', 'is', null)
    .execute()
}

// PostgreSQL refuses NUL.
function storable(summary: string | undefined): string | null {
  return summary?.replaceAll('\0', '\ufffd').slice(0, maxSummary) ?? null
}

const maxSummary = 1000
