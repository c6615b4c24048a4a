import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { EventBody } from '../model/events.ts'
import type { Place } from '../fleet/worker.ts'
import type { BuildFacts } from '../steps/step.ts'
import type { Clock } from '../util/clock.ts'
import type { ArtifactStore } from './artifact-store.ts'
import type { Commands } from './commands.ts'
import type { LogLane } from './log-lane.ts'
import type { ClaimedBuild } from './store-claim.ts'

/** What a build needs of the master. */
export interface BuildTools {
  readonly db: Kysely<Database>
  readonly commit: GroupCommit
  readonly commands: Commands
  readonly lane: LogLane
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
  readonly artifacts: { readonly store: ArtifactStore; readonly maxBytes: number }
  /** Where paths of the master's machine begin. */
  readonly configDir: string
}

/** A build as its steps see it. */
export interface StepHost {
  readonly claimed: ClaimedBuild
  readonly place: Place
  /** The agent run that its commands are given to. */
  readonly runId: string
  readonly tools: BuildTools
  /** What the builder adds to the environment of every command. */
  readonly env: Readonly<Record<string, string>>
  readonly facts: BuildFacts
}
