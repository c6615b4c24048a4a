import type { Outcome } from './follow-view.ts'

/** What `--follow` exits with. A RETRY that nothing follows is a failure of the infrastructure. */
export function exitCodeOf({ build, result }: Outcome): number {
  if (!build || result === null) return 5
  return codes[result]
}

const codes = {
  SUCCESS: 0,
  WARNINGS: 0,
  FAILURE: 1,
  EXCEPTION: 2,
  RETRY: 2,
  CANCELLED: 3,
  SKIPPED: 4,
} as const
