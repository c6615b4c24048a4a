import Type, { type Static } from 'typebox'
import { results } from '../model/results.ts'
import { InstanceSchema } from './instance-api.ts'
import { Nullable, Time } from './schema-parts.ts'

/** The JSON that the REST API answers with. Times are ISO 8601 in UTC. */

export const ResultSchema = Type.Enum(results)

export const SourceSchema = Type.Object({
  repository: Type.String(),
  branch: Nullable(Type.String()),
  revision: Nullable(Type.String()),
})

/** Property names to values. */
export const PropertiesSchema = Type.Record(Type.String(), Type.Unknown())

export const BuilderSchema = Type.Object({
  name: Type.String(),
  description: Nullable(Type.String()),
  workers: Type.Array(Type.String()),
  pendingRequests: Type.Integer(),
  runningBuilds: Type.Array(Type.Integer()),
  lastBuild: Nullable(
    Type.Object({ id: Type.Integer(), result: Nullable(ResultSchema), finishedAt: Nullable(Time) }),
  ),
})
export type ApiBuilder = Static<typeof BuilderSchema>

export const WorkerSchema = Type.Object({
  name: Type.String(),
  kind: Type.String(),
  connected: Type.Boolean(),
  /** One sentence: 'is idle', 'runs 2 of 2 builds', 'is paused by ...'; '2 of 4 instances: 1 busy, 1 starting' of a latent worker. */
  status: Type.String(),
  adminState: Type.Union([Type.Literal('active'), Type.Literal('paused'), Type.Literal('draining')]),
  adminReason: Nullable(Type.String()),
  /** Who paused or drained it, and when that ends by itself. */
  adminBy: Nullable(Type.String()),
  adminUntil: Nullable(Time),
  maxBuilds: Type.Integer(),
  runningBuilds: Type.Array(Type.Integer()),
  address: Nullable(Type.String()),
  version: Nullable(Type.String()),
  connectedAt: Nullable(Time),
  /** Since when it is missing, once people were told. */
  missingSince: Nullable(Time),
  lastSeenAt: Nullable(Time),
  /** Of a latent worker: those that are not gone, by place. Empty of other workers. */
  instances: Type.Array(InstanceSchema),
  facts: Nullable(Type.Unknown()),
  properties: PropertiesSchema,
})
export type ApiWorker = Static<typeof WorkerSchema>

export const RequestSchema = Type.Object({
  id: Type.Integer(),
  builder: Type.String(),
  buildsetId: Type.Integer(),
  state: Type.Union([Type.Literal('pending'), Type.Literal('claimed'), Type.Literal('complete')]),
  result: Nullable(ResultSchema),
  priority: Type.Integer(),
  reason: Type.String(),
  source: SourceSchema,
  submittedAt: Time,
  claimedAt: Nullable(Time),
  completedAt: Nullable(Time),
  /** Why it waits, in one sentence, and its place in the queue (1 is next); null when it does not wait. */
  waitingFor: Nullable(Type.String()),
  /** Why the last instance that was started for it came to nothing; of a request that ended EXCEPTION without a build, the reason. */
  startFailure: Nullable(Type.String()),
  position: Nullable(Type.Integer()),
  /** The newer request that it was collapsed into: then it ended SKIPPED. */
  supersededBy: Nullable(Type.Integer()),
  buildIds: Type.Array(Type.Integer()),
})
export type ApiRequest = Static<typeof RequestSchema>

export const BuildSchema = Type.Object({
  id: Type.Integer(),
  builder: Type.String(),
  worker: Type.String(),
  /** The instance of a latent worker that it runs or ran on: 'dock/2'. */
  instance: Nullable(Type.String()),
  requestId: Type.Integer(),
  buildsetId: Type.Integer(),
  attempt: Type.Integer(),
  state: Type.Union([Type.Literal('running'), Type.Literal('finished')]),
  result: Nullable(ResultSchema),
  summary: Nullable(Type.String()),
  reason: Type.String(),
  source: SourceSchema,
  startedAt: Time,
  finishedAt: Nullable(Time),
  /** What its time on the instance has cost so far; null without a price. */
  cost: Nullable(Type.Number()),
  properties: PropertiesSchema,
})
export type ApiBuild = Static<typeof BuildSchema>

export const StepSchema = Type.Object({
  id: Type.Integer(),
  buildId: Type.Integer(),
  number: Type.Integer(),
  name: Type.String(),
  state: Type.Union([Type.Literal('pending'), Type.Literal('running'), Type.Literal('finished')]),
  result: Nullable(ResultSchema),
  summary: Nullable(Type.String()),
  startedAt: Nullable(Time),
  finishedAt: Nullable(Time),
})
export type ApiStep = Static<typeof StepSchema>

export const LogSchema = Type.Object({
  id: Type.Integer(),
  stepId: Type.Integer(),
  name: Type.String(),
  bytes: Type.Integer(),
  lines: Type.Integer(),
  finished: Type.Boolean(),
})
export type ApiLog = Static<typeof LogSchema>

export const ArtifactSchema = Type.Object({
  id: Type.Integer(),
  buildId: Type.Integer(),
  stepId: Type.Integer(),
  /** The step's name. */
  step: Type.String(),
  /** Unique in its build: 'dist/app.tgz'. */
  name: Type.String(),
  size: Type.Integer(),
  sha256: Type.String(),
  type: Type.String(),
  createdAt: Time,
})
export type ApiArtifact = Static<typeof ArtifactSchema>

/** `GET /logs/{id}/text?format=json`. A line that several streams wrote comes as several parts of one number. */
export const LogLinesSchema = Type.Object({
  /** Line numbers count from 0. */
  firstLine: Type.Integer(),
  lines: Type.Array(
    Type.Object({
      number: Type.Integer(),
      stream: Type.Union([Type.Literal('header'), Type.Literal('stdout'), Type.Literal('stderr')]),
      text: Type.String(),
    }),
  ),
  /** Where to go on: the last line itself while it has no end yet. */
  nextLine: Type.Integer(),
  /** Lines of the whole log by now, counted by their ends. */
  totalLines: Type.Integer(),
  /** Nothing will be added any more. */
  finished: Type.Boolean(),
})
export type ApiLogLines = Static<typeof LogLinesSchema>

export const ForceBodySchema = Type.Object(
  {
    branch: Type.Optional(Nullable(Type.String({ maxLength: 1024 }))),
    revision: Type.Optional(Nullable(Type.String({ maxLength: 1024 }))),
    repository: Type.Optional(Type.String({ maxLength: 4096 })),
    properties: Type.Optional(PropertiesSchema),
    priority: Type.Optional(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000 })),
    reason: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: false },
)
export type ApiForceBody = Static<typeof ForceBodySchema>

/** Of cancel and rebuild. */
export const CancelBodySchema = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1024 })) },
  { additionalProperties: false },
)

/** Of pause, drain and resume. */
export const AdminBodySchema = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1024 })),
    /** Who asks. Shown, not proved: there are no users yet. */
    by: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
)

export const AdminUntilBodySchema = Type.Object(
  {
    ...AdminBodySchema.properties,
    /** When it ends by itself: a duration from now (seconds, '90m', '2h') or a time in ISO 8601. Never when left out. */
    until: Type.Optional(Type.Union([Type.Number(), Type.String({ maxLength: 100 })])),
  },
  { additionalProperties: false },
)

export const ForceAnswerSchema = Type.Object({
  buildsetId: Type.Integer(),
  requestIds: Type.Array(Type.Integer()),
})
export type ApiForceAnswer = Static<typeof ForceAnswerSchema>

const NameChangesSchema = Type.Object({
  added: Type.Array(Type.String()),
  changed: Type.Array(Type.String()),
  removed: Type.Array(Type.String()),
})

/** What a reconfig took over. Builders are taken anew as a whole, so none is listed as changed. */
export const ReconfigSchema = Type.Object({
  workers: NameChangesSchema,
  builders: NameChangesSchema,
  schedulers: NameChangesSchema,
  reporters: NameChangesSchema,
  /** Options that changed and stay as they were until the master is started again. */
  needsRestart: Type.Array(Type.String()),
})
export type ApiReconfig = Static<typeof ReconfigSchema>

export const ErrorSchema = Type.Object({ code: Type.String(), message: Type.String(), advice: Type.String() })
export type ApiError = Static<typeof ErrorSchema>
