import { rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { resultFile } from './result-file.ts'

/** Removes the folder of a command. Its output went before: a result without output still counts. */
export function removeSpool(dir: string): void {
  rmSync(join(dir, resultFile), { force: true })
  try {
    rmdirSync(dir)
  } catch {
    rmSync(dir, { recursive: true, force: true })
  }
}
