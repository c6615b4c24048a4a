import type { CommandResult } from '../../protocol/operation.ts'

/** Why a command ended otherwise than by itself: the abort reason of its signals. */
export interface Stop {
  readonly reason: NonNullable<CommandResult['reason']>
  /** For people. */
  readonly message: string
}

export function stopOf(signal: AbortSignal): Stop {
  return signal.reason as Stop
}

/** The result of a command of which nothing can be said any more but why. */
export function endedBy({ message, reason }: Stop): CommandResult {
  return { exitCode: null, signal: null, reason, message }
}
