/** Raised when a message changes its meaning. The greeting and `retire` never do. */
export const socketProtocol = 1

/** The first thing a supervisor says to who connects. */
export interface Greeting {
  readonly type: 'supervisor'
  readonly protocol: number
  readonly version: string
  readonly pid: number
  /** The supervisor's run, as in its hello. */
  readonly runId: string
  /** Commands that run, or whose end the master has not committed. */
  readonly commands: number
}

export type FromSupervisor =
  | Greeting
  /** It has taken the connection of this number: what comes from here on is for that. */
  | { readonly type: 'opened'; readonly connection: number }
  /** The connection to the master is to be closed. */
  | { readonly type: 'hangUp'; readonly connection: number; readonly reason: string }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  /** Answers `whenIdle`: no command runs. */
  | { readonly type: 'idle' }
  /** Nothing of the master's is left, as `drain` asked for. */
  | { readonly type: 'drained' }

export type FromConnector =
  /** The connector is here to stay; one before it is let go of. `maxSpool` in bytes. */
  | { readonly type: 'attach'; readonly maxSpool?: number | undefined }
  /** There is a new connection to the master. */
  | { readonly type: 'open'; readonly connection: number }
  | { readonly type: 'closed'; readonly reason: string }
  | { readonly type: 'drain'; readonly cancel: boolean }
  /** Asks for `idle` once no command runs. */
  | { readonly type: 'whenIdle' }
  /** Commands are ended, and then the supervisor. */
  | { readonly type: 'close' }
  /** The connector leaves. Without commands the supervisor ends. */
  | { readonly type: 'detach' }
  /** Ends an idle supervisor, of another version; one with commands goes on. */
  | { readonly type: 'retire' }

/** Throws what JSON.parse throws. Both ends are ours: a greeting tells them apart by `protocol`. */
export function parseOwn<T>(payload: Buffer): T {
  return JSON.parse(payload.toString()) as T
}

export function encodeOwn(message: FromSupervisor | FromConnector): Buffer {
  return Buffer.from(JSON.stringify(message))
}
