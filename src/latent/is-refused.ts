import { codeOf } from '../db/connection-failure.ts'

/** Class 23: an integrity constraint is against it, now and later. */
export function isRefused(error: unknown): boolean {
  return codeOf(error)?.startsWith('23') ?? false
}
