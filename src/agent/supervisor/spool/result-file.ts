import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandResult } from '../../../protocol/operation.ts'

/** How a command ended, beside its output. */
export interface StoredResult {
  readonly result: CommandResult
  /** Length of the log, all of which was written before. */
  readonly bytes: number
}

export const resultFile = 'result'

/** Throws what writing throws. */
export function writeResult(dir: string, stored: StoredResult): void {
  writeFileSync(join(dir, resultFile), JSON.stringify(stored), { mode: 0o600 })
}

/** Undefined when there is none, or only a part of one. */
export function readResult(dir: string): StoredResult | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, resultFile), 'utf8')) as StoredResult
  } catch {
    return undefined
  }
}
