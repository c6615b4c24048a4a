import type { Result } from '../../model/results.ts'

/** Which results are told, in the words of Buildbot's mail notifier. */
export const slackModes = [
  'all',
  'failing',
  'passing',
  'warnings',
  'exception',
  'cancelled',
  'problem',
  'change',
] as const
export type SlackMode = (typeof slackModes)[number]

/** Whether a result is told; `previous` is the one before it of the same builder and branch. */
export function isWanted(modes: readonly SlackMode[], result: Result, previous: Result | null): boolean {
  return modes.some((mode) => rules[mode](result, previous))
}

const rules: Readonly<Record<SlackMode, (result: Result, previous: Result | null) => boolean>> = {
  all: () => true,
  failing: (result) => result === 'FAILURE',
  passing: (result) => result === 'SUCCESS',
  warnings: (result) => result === 'WARNINGS',
  exception: (result) => result === 'EXCEPTION',
  cancelled: (result) => result === 'CANCELLED',
  problem: (result, previous) => result === 'FAILURE' && previous !== 'FAILURE',
  // What was cancelled or skipped says nothing about the code.
  change: (result, previous) =>
    result !== 'CANCELLED' && result !== 'SKIPPED' && previous !== null && result !== previous,
}
