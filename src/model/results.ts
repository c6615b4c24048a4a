/** What a step, build, request or buildset ended with: Buildbot's results, spelled in capitals everywhere. */
export const results = [
  'SUCCESS',
  'WARNINGS',
  'FAILURE',
  'SKIPPED',
  'EXCEPTION',
  'RETRY',
  'CANCELLED',
] as const
export type Result = (typeof results)[number]

export function isResult(value: unknown): value is Result {
  return results.includes(value as Result)
}

/** The worse of two results, in Buildbot's order: CANCELLED > RETRY > EXCEPTION > FAILURE > WARNINGS > SUCCESS > SKIPPED. */
export function worse(a: Result, b: Result): Result {
  return severity[a] >= severity[b] ? a : b
}

const severity: Record<Result, number> = {
  SKIPPED: 0,
  SUCCESS: 1,
  WARNINGS: 2,
  FAILURE: 3,
  EXCEPTION: 4,
  RETRY: 5,
  CANCELLED: 6,
}
