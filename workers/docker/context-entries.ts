import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { dockerIgnore } from './docker-ignore.ts'
import type { TarEntry } from './tar.ts'

/** The files of a build's context, always in the same order, without what .dockerignore names. */
export async function* contextEntries(folder: string): AsyncGenerator<TarEntry> {
  const text = await readFile(join(folder, '.dockerignore'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  yield* walk(folder, '', dockerIgnore(text))
}

async function* walk(
  root: string,
  below: string,
  ignored: (path: string) => boolean,
): AsyncGenerator<TarEntry> {
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = below ? `${below}/${name}` : name
    const stats = await lstat(join(root, path))
    const mode = stats.mode & 0o777
    // A folder is entered all the same: a later line may bring back something in it.
    const left = ignored(path)
    if (stats.isDirectory()) {
      if (!left) yield { path, type: 'directory', mode }
      yield* walk(root, path, ignored)
    } else if (left) continue
    else if (stats.isSymbolicLink())
      yield { path, type: 'symlink', mode, target: await readlink(join(root, path)) }
    else if (stats.isFile())
      yield { path, mode, size: stats.size, content: () => createReadStream(join(root, path)) }
  }
}
