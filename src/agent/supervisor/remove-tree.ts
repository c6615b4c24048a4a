import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes a folder and all in it, also where builds made folders read-only. Absent is success. */
export async function removeTree(path: string): Promise<void> {
  try {
    await remove(path)
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await makeWritable(path)
    await remove(path)
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}

async function makeWritable(folder: string): Promise<void> {
  const { mode } = await lstat(folder)
  if ((mode & 0o700) !== 0o700) await chmod(folder, (mode & 0o7777) | 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}
