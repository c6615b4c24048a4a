import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/**
 * The files of artifacts, below `<dataDir>/artifacts`. Nothing of their paths comes from an agent or a config: a file is
 * named after the command that brought it, so that none can escape or overwrite another.
 */
export class ArtifactStore {
  readonly #dir: string
  /** Paths of files that are on their way. */
  readonly #coming = new Set<string>()

  constructor(dataDir: string) {
    this.#dir = resolve(dataDir, 'artifacts')
  }

  /** Makes its folders and removes what transfers have left over that were cut off. */
  async open(): Promise<void> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#incoming))
      await rm(join(this.#incoming, name), { recursive: true, force: true })
  }

  /** Where the file of a stored artifact is; its `path` is as in the database. */
  pathOf(path: string): string {
    if (!isPath(path)) throw new Error(`${JSON.stringify(path)} is no path of an artifact`)
    return join(this.#dir, path)
  }

  /** The `path` of what a command brings. */
  nameOf(buildId: number, command: string): string {
    return `${buildId}/${command}`
  }

  /** A new file for what a command brings. */
  async create(buildId: number, command: string): Promise<IncomingArtifact> {
    const temporary = join(this.#incoming, command)
    const path = this.nameOf(buildId, command)
    const final = this.pathOf(path)
    const file = await open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600)
    this.#coming.add(path)
    return {
      path,
      write: (bytes) => file.writeFile(bytes),
      keep: async () => {
        await file.sync()
        await mkdir(join(this.#dir, String(buildId)), { recursive: true, mode: 0o700 })
        await rename(temporary, final)
        await syncFolder(join(this.#dir, String(buildId)))
        await syncFolder(this.#dir)
      },
      discard: () => rm(final, { force: true }),
      close: async () => {
        this.#coming.delete(path)
        await file.close()
        await rm(temporary, { force: true })
      },
    }
  }

  /**
   * Removes files that no row knows: their master was killed before it had stored the row, and nobody brought them again.
   * Not what is on its way, nor what was written since `before`, in milliseconds: another master may be about to store it.
   */
  async tidy(
    isStored: (buildId: number, paths: readonly string[]) => Promise<ReadonlySet<string>>,
    { before, signal }: { before: number; signal: AbortSignal },
  ): Promise<void> {
    for (const build of await readdir(this.#dir)) {
      signal.throwIfAborted()
      if (!/^\d+$/.test(build)) continue
      const old: string[] = []
      for (const name of await readdir(join(this.#dir, build))) {
        const path = `${build}/${name}`
        if (isPath(path) && !this.#coming.has(path) && (await stat(join(this.#dir, path))).mtimeMs < before)
          old.push(path)
      }
      const stored = old.length > 0 ? await isStored(Number(build), old) : new Set()
      for (const path of old)
        if (!stored.has(path) && !this.#coming.has(path)) await rm(this.pathOf(path), { force: true })
    }
  }

  get #incoming(): string {
    return join(this.#dir, 'incoming')
  }
}

export interface IncomingArtifact {
  /** As it goes into the database. */
  readonly path: string
  write(bytes: Buffer): Promise<void>
  /** Puts the whole file in its place, safe from a loss of power. */
  keep(): Promise<void>
  /** Removes it from its place. */
  discard(): Promise<void>
  /** Removes it if it was not kept. */
  close(): Promise<void>
}

function isPath(path: string): boolean {
  return /^\d+\/[\da-f-]{36}$/.test(path)
}

// A new name is on the disk only once its folder is.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
