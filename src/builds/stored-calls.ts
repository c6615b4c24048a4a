import { isDeepStrictEqual } from 'node:util'
import { jsonb } from '../db/jsonb.ts'
import type { StoredOperation } from '../db/stored-operation.ts'
import type { CommandResult } from '../protocol/operation.ts'

/** A command that an earlier master has stored. */
export interface StoredCommand {
  readonly id: string
  readonly call: string
  readonly operation: StoredOperation
  readonly logId: number
  readonly logBase: number
  /** Its further logs, from log 1 on. */
  readonly moreLogs: readonly { readonly logId: number; readonly logBase: number }[]
  /** null while its agent has not told how it ended. */
  readonly result: CommandResult | null
  readonly logBytes: number | null
}

/** Any other effect that an earlier master has stored. */
export interface StoredEffect {
  readonly call: string
  readonly kind: string
  readonly request: unknown
  readonly result: unknown
}

export interface StoredLog {
  readonly id: number
  readonly name: string
  readonly bytes: number
  readonly lines: number
}

/** What is stored of a step that was running when its master went away. */
export interface StoredCalls {
  readonly commands: readonly StoredCommand[]
  readonly effects: readonly StoredEffect[]
  readonly logs: readonly StoredLog[]
}

export const nothingStored: StoredCalls = { commands: [], effects: [], logs: [] }

/** The step asks for something else than it did before: its builder was changed meanwhile. Nobody is to blame. */
export class ConfigChanged extends Error {
  override readonly name = 'ConfigChanged'
}

/** What the step asked for at this call before; undefined when it did not. Throws ConfigChanged when it was something else. */
export function storedCommand(
  stored: StoredCalls,
  call: string,
  operation: StoredOperation,
): StoredCommand | undefined {
  refuseOther(stored.effects, call, 'a command')
  const found = stored.commands.find((command) => command.call === call)
  if (found && !same(found.operation, operation)) throw changed(call, 'another command')
  return found
}

/** The same for an effect of another kind. */
export function storedEffect(
  stored: StoredCalls,
  call: string,
  kind: string,
  request: unknown,
): StoredEffect | undefined {
  refuseOther(stored.commands, call, kind)
  const found = stored.effects.find((effect) => effect.call === call)
  if (found && !(found.kind === kind && same(found.request, request))) throw changed(call, kind)
  return found
}

/** A step that has ended asks for something that it did not ask for then. */
export function notStored(call: string, kind: string): ConfigChanged {
  return changed(call, kind)
}

function refuseOther(others: readonly { call: string }[], call: string, kind: string): void {
  if (others.some((other) => other.call === call)) throw changed(call, kind)
}

function changed(call: string, kind: string): ConfigChanged {
  return new ConfigChanged(`the config changed while the build ran: call ${call} of the step is now ${kind}`)
}

// The stored one has been through jsonb; order of keys and undefined values make no difference.
function same(stored: unknown, asked: unknown): boolean {
  return isDeepStrictEqual(stored, JSON.parse(jsonb(asked)))
}
