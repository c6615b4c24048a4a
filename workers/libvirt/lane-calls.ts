import { channelCalls } from './channel-calls.ts'
import type { Connection } from './connection.ts'
import { domainCalls } from './domain-calls.ts'
import { storageCalls } from './storage-calls.ts'

/** Everything that a lane can be asked to do. */
export const laneCalls = { ...channelCalls, ...domainCalls, ...storageCalls }

type Calls = typeof laneCalls
export type LaneCall = keyof Calls
/** Without the connection, which is the lane's. */
export type LaneArguments<Name extends LaneCall> =
  Parameters<Calls[Name]> extends [Connection, ...infer Rest] ? Rest : never
export type LaneResult<Name extends LaneCall> = ReturnType<Calls[Name]>

export interface LaneRequest {
  readonly call: LaneCall
  readonly args: readonly unknown[]
}

export type LaneAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly message: string; readonly code?: number; readonly domain?: number }
