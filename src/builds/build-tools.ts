import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { EventBody } from '../model/events.ts'
import type { Result } from '../model/results.ts'
import type { Secret } from '../model/secret.ts'
import type { Place } from '../fleet/worker.ts'
import type { BuildFacts } from '../steps/step.ts'
import type { Clock } from '../util/clock.ts'
import type { ArtifactStore } from './artifact-store.ts'
import type { BuildCommit } from './build-commit.ts'
import type { Commands } from './commands.ts'
import type { LockKeeper } from './lock-keeper.ts'
import type { LogLane } from './log-lane.ts'
import type { StepPlan } from './step-plan.ts'
import type { ClaimedBuild } from './store-claim.ts'
import type { Submission, Submitted } from './store-submit.ts'

/** What a build needs of the master. */
export interface BuildTools {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  /** Of this master. */
  readonly epoch: number
  readonly commands: Commands
  readonly lane: LogLane
  readonly locks: LockKeeper
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
  readonly artifacts: { readonly store: ArtifactStore; readonly maxBytes: number }
  readonly requests: RequestTools
  readonly secrets: SecretValues
  /** Bytes of a command's log where its step says nothing. */
  readonly maxLogSize: number
  /** Where paths of the master's machine begin. */
  readonly configDir: string
}

/** The secrets of the config as it is now. */
export interface SecretValues {
  /** Throws ROUSE_SECRET_MISSING. */
  value(name: string): string
}

/** What a build may do with requests of others. */
export interface RequestTools {
  submit(submission: Submission): Promise<Submitted>
  /** Nothing happens when it has ended. */
  cancel(id: number, reason: string): Promise<void>
  /** Resolves with the results, in the order of the ids; rejects with the signal's reason. */
  ended(ids: readonly number[], signal: AbortSignal): Promise<Result[]>
}

/** A build as its steps see it. */
export interface StepHost {
  /** Of its request. */
  readonly priority: number
  /** Set as soon as a user has cancelled it. */
  readonly cancelReason: string | undefined
  readonly claimed: ClaimedBuild
  readonly plan: StepPlan
  /** Names of the locks that builder and worker have it hold to its end. */
  readonly heldLocks: ReadonlySet<string>
  readonly place: Place
  /** The agent run that its commands are given to. */
  readonly runId: string
  readonly tools: BuildTools
  /** For what is stored of the build. */
  readonly commit: BuildCommit
  /** What the builder adds to the environment of every command. */
  readonly env: Readonly<Record<string, string | Secret>>
  readonly facts: BuildFacts
}
