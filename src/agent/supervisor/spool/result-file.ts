import { readFileSync, writeFileSync } from 'node:fs'
import type { CommandResult } from '../../../protocol/operation.ts'
import { removeFile } from '../remove-file.ts'

/** How a command ended, beside its output. */
export interface StoredResult {
  readonly result: CommandResult
  /** Length of each log, all of which was written before. */
  readonly logs: readonly number[]
}

/** Throws what writing throws. */
export function writeResult(path: string, stored: StoredResult): void {
  writeFileSync(nameOf(path), JSON.stringify(stored), { mode: 0o600 })
}

/** Undefined when there is none, or only a part of one. */
export function readResult(path: string): StoredResult | undefined {
  try {
    const stored = JSON.parse(readFileSync(nameOf(path), 'utf8')) as StoredResult
    return Array.isArray(stored.logs) ? stored : undefined
  } catch {
    return undefined
  }
}

export function removeResult(path: string): void {
  removeFile(nameOf(path))
}

function nameOf(path: string): string {
  return `${path}result`
}
