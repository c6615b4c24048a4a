import Type, { type Static } from 'typebox'
import { CommandResult, Operation } from './operation.ts'

const CommandId = Type.String({ format: 'uuid' })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Short = Type.String({ maxLength: 256 })

/** Bytes of one log of a command: log 0 is its stdout, stderr and header together, in the order they were written. */
const LogLength = Type.Object({ log: Type.Integer({ minimum: 0, maximum: 255 }), bytes: Count })

export const Facts = Type.Object({
  os: Short,
  arch: Short,
  cpus: Type.Integer({ minimum: 0 }),
  memory: Count,
  hostname: Short,
  node: Short,
  /** Contents of `<base dir>/info/admin` and `info/host`, where they exist, as with Buildbot's workers. */
  admin: Type.Optional(Type.String({ maxLength: 4096 })),
  host: Type.Optional(Type.String({ maxLength: 4096 })),
})
export type Facts = Static<typeof Facts>

// ---- agent to master -------------------------------------------------------------------------------------------------

/**
 * The first message of a connection. `runId` is new with every supervisor. One that takes over the base dir of a dead one
 * lists that one's commands too: with their result, or as 'lost' when they had none. What it does not list, it never got or
 * has no trace of.
 */
export const Hello = Type.Object({
  type: Type.Literal('hello'),
  protocol: Type.Integer(),
  version: Short,
  runId: CommandId,
  facts: Facts,
  /** Every command the agent still has, running or done and not yet forgotten. `data` and `message` come with `done`. */
  commands: Type.Array(
    Type.Object({
      id: CommandId,
      logs: Type.Array(LogLength, { maxItems: 256 }),
      result: Type.Union([CommandResult, Type.Null()]),
    }),
    { maxItems: 10_000 },
  ),
})
export type Hello = Static<typeof Hello>

/** Sent after the last output frame of the command; sent again after a reconnect until `forget` comes. */
export const Done = Type.Object({
  type: Type.Literal('done'),
  command: CommandId,
  result: CommandResult,
  logs: Type.Array(LogLength, { maxItems: 256 }),
})
export type Done = Static<typeof Done>

/** The agent wants to end: no new builds, please; with `cancel`, the running ones are to be cancelled. */
export const Drain = Type.Object({ type: Type.Literal('drain'), cancel: Type.Boolean() })
export const Heartbeat = Type.Object({ type: Type.Literal('heartbeat') })

/**
 * Who receives a file asks for it: everything before `offset` is there, and `bytes` more may come. With 0, all of it is
 * there and safe. The first one on a connection says where to begin; the others only give more room.
 */
export const Want = Type.Object({
  type: Type.Literal('want'),
  command: CommandId,
  offset: Count,
  bytes: Count,
})
export type Want = Static<typeof Want>

export const FromAgent = Type.Union([Hello, Done, Drain, Want, Heartbeat])
export type FromAgent = Static<typeof FromAgent>

// ---- master to agent -------------------------------------------------------------------------------------------------

/** Answers `hello`. The agent continues each command in `resume` at these offsets, forgets and kills the others. */
export const Welcome = Type.Object({
  type: Type.Literal('welcome'),
  protocol: Type.Integer(),
  version: Short,
  master: CommandId,
  epoch: Count,
  /** Seconds between heartbeats, both ways; a peer silent for three of them is dropped. */
  heartbeat: Type.Number({ exclusiveMinimum: 0 }),
  /** Raw bytes of output per command that may be on the way without an ack. */
  window: Count,
  /** Seconds without a master after which running commands are ended as 'disconnected'. Default 3600. */
  maxDisconnected: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  resume: Type.Array(Type.Object({ command: CommandId, logs: Type.Array(LogLength, { maxItems: 256 }) })),
})
export type Welcome = Static<typeof Welcome>

/** Idempotent by command id. */
export const Run = Type.Object({
  type: Type.Literal('run'),
  command: CommandId,
  /** Relative to the agent's base dir: `<builder>/<slot>`. */
  workspace: Type.String({ minLength: 1, maxLength: 512 }),
  operation: Operation,
  /** Secrets of the command: masked in its output, also in base64 and URL encoding, before that is written anywhere. */
  mask: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 65_536 }), { maxItems: 100 })),
})
export type Run = Static<typeof Run>

export const Cancel = Type.Object({ type: Type.Literal('cancel'), command: CommandId, reason: Short })
/** These bytes of the log are committed: the agent need not keep them. */
export const Ack = Type.Object({
  type: Type.Literal('ack'),
  command: CommandId,
  log: Type.Integer(),
  offset: Count,
})
/** The result is committed: the agent forgets the command. */
export const Forget = Type.Object({ type: Type.Literal('forget'), command: CommandId })
/** Answers `drain`: nothing of this agent's runs any more. */
export const Drained = Type.Object({ type: Type.Literal('drained') })
/**
 * Asks the agent of an instance whether it may be ended: with nothing running it answers `drain`. Otherwise it says nothing,
 * and the master may ask again.
 */
export const Retire = Type.Object({ type: Type.Literal('retire') })
/** The master's own sign of life every `keepaliveInterval`, apart from heartbeats, as in Buildbot. */
export const Keepalive = Type.Object({ type: Type.Literal('keepalive') })

export const FromMaster = Type.Union([
  Welcome,
  Run,
  Cancel,
  Ack,
  Want,
  Forget,
  Drained,
  Retire,
  Keepalive,
  Heartbeat,
])
export type FromMaster = Static<typeof FromMaster>
