import { deepFreeze } from './deep-freeze.ts'
import type { OnceConfig } from './types.ts'

/** A scheduler that forces its builders a single time, when the database is new. */
export function once(options: Omit<OnceConfig, 'kind'>): OnceConfig {
  return deepFreeze({ ...options, kind: 'once' })
}
