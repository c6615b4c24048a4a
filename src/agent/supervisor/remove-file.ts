import { unlinkSync } from 'node:fs'

/** Removes a file that may be gone already. Several times faster than `rmSync`, which looks whether it is a folder. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
