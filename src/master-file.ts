import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What clients read to find the master of a data folder: `<dataDir>/master.json`. */
export interface MasterFile {
  readonly url: string
  readonly pid: number
}

/** Writes the file in one step and returns its undo, which leaves another master's file alone. */
export async function writeMasterFile(dataDir: string, content: MasterFile): Promise<() => Promise<void>> {
  const path = join(dataDir, 'master.json')
  const temporary = `${path}.${process.pid}`
  // With a database elsewhere nothing has made the folder yet.
  await mkdir(dataDir, { recursive: true })
  await writeFile(temporary, `${JSON.stringify(content)}\n`)
  await rename(temporary, path)
  return async () => {
    const present = await readFile(path, 'utf8').catch(() => '')
    if (present.includes(`"pid":${content.pid}`)) await rm(path, { force: true })
  }
}
