import { deepFreeze } from './deep-freeze.ts'
import type { MasterConfig } from './types.ts'

/**
 * Describes a master; `master.config.ts` exports the answer as its default. Returns a frozen copy and opens nothing.
 * Mistakes are not thrown here: `rouse check` and `rouse start` report them all at once.
 */
export function defineMaster(config: MasterConfig): MasterConfig {
  return deepFreeze(config)
}
