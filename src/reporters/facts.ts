import type { Property } from '../model/properties.ts'
import type { Result } from '../model/results.ts'
import type { SourceStamp } from '../model/source-stamp.ts'

/** What reporters may know of builds and workers, read from the database when it is asked for. */
export interface Facts {
  request(id: number): Promise<RequestFacts | undefined>
  build(id: number): Promise<BuildFacts | undefined>
  buildset(id: number): Promise<BuildsetFacts | undefined>
  worker(name: string): Promise<WorkerFacts | undefined>
  /** The end of a log as text without escape sequences, at most `lines` lines and 64 KiB. */
  logTail(log: number, lines: number): Promise<string>
  /** A whole log or artifact; undefined when it is longer than `limit` bytes or not there. */
  logBytes(log: number, limit: number): Promise<Buffer | undefined>
  artifactBytes(artifact: number, limit: number): Promise<Buffer | undefined>
}

export interface RequestFacts {
  readonly id: number
  readonly builder: string
  readonly builderDescription: string | null
  readonly buildset: number
  readonly reason: string
  readonly origin: 'force' | 'rebuild' | 'scheduler' | 'trigger'
  readonly scheduler: string | null
  readonly source: SourceStamp
  readonly changes: readonly ChangeFacts[]
  /** From the properties `owner` and `owners`, as Buildbot has them. */
  readonly owners: readonly string[]
  readonly properties: readonly Property[]
  readonly submittedAt: Date
  readonly completedAt: Date | null
  readonly result: Result | null
  readonly cancelReason: string | null
  /** Why instances for it did not start. */
  readonly startFailure: string | null
  /** The newer request that was built in its place: it ended SKIPPED then. */
  readonly supersededBy: number | null
  /** Its newest build; null when it has had none. */
  readonly build: number | null
  /**
   * The result of the last request of this builder, repository and branch before this one that ended in SUCCESS, WARNINGS, FAILURE or
   * EXCEPTION; null when there was none.
   */
  readonly previousResult: Result | null
}

export interface ChangeFacts {
  readonly id: number
  readonly revision: string
  readonly branch: string | null
  readonly author: string | null
  readonly message: string | null
  readonly link: string | null
  readonly files: readonly string[]
}

export interface BuildFacts {
  readonly id: number
  readonly request: RequestFacts
  readonly attempt: number
  readonly worker: string
  readonly startedAt: Date
  readonly finishedAt: Date | null
  readonly result: Result | null
  readonly summary: string | null
  readonly cancelReason: string | null
  readonly properties: readonly Property[]
  readonly steps: readonly StepFacts[]
  readonly artifacts: readonly ArtifactFacts[]
}

export interface StepFacts {
  readonly number: number
  readonly name: string
  readonly result: Result | null
  readonly summary: string | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly logs: readonly { readonly id: number; readonly name: string; readonly bytes: number }[]
}

export interface ArtifactFacts {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly type: string
}

export interface BuildsetFacts {
  readonly id: number
  readonly reason: string
  readonly result: Result | null
  readonly submittedAt: Date
  readonly completedAt: Date | null
  readonly source: SourceStamp
  readonly requests: readonly RequestFacts[]
}

export interface WorkerFacts {
  readonly name: string
  readonly kind: 'static' | 'local' | 'latent'
  readonly notifyOnMissing: readonly string[]
  /** What the agent has told of its machine and whom to ask about it. */
  readonly admin: string | null
  readonly host: string | null
  readonly hostname: string | null
  readonly os: string | null
  readonly lastAddress: string | null
  readonly lastSeenAt: Date | null
  readonly connected: boolean
  /** Requests that wait and could run on it, at most 100, oldest first. */
  readonly waiting: readonly { readonly id: number; readonly builder: string; readonly submittedAt: Date }[]
}
