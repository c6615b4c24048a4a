import { randomUUID } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that only its owner may read, whole or not at all, and on the disk when this resolves. Unless `replace`, one
 * that is there already stays as it is; then the answer is false.
 */
export async function writePrivateFile(
  path: string,
  content: string | Buffer,
  { replace }: { replace: boolean },
): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    if (replace) await rename(draft, path)
    else if (!(await linkUnlessThere(draft, path))) return false
    await syncFolder(dirname(path))
    return true
  } finally {
    await rm(draft, { force: true })
  }
}

async function linkUnlessThere(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
