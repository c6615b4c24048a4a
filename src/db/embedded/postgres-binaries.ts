import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { RouseError } from '../../model/errors.ts'
import { codeOf } from '../connection-failure.ts'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  /** As in a data folder's PG_VERSION. */
  readonly majorVersion: string
}

/** The server that npm installed for this machine, made ready to run. */
export async function findPostgresBinaries(packageRoot = installedPackage()): Promise<PostgresBinaries> {
  const { version } = await readJson<{ version: string }>(join(packageRoot, 'package.json'))
  await makeSymlinks(packageRoot)
  const bin = join(packageRoot, 'native', 'bin')
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    majorVersion: version.split('.')[0]!,
  }
}

function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch (error) {
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `the package ${name} is not installed`, {
      cause: error,
      advice: supported.has(`${process.platform}-${process.arch}`)
        ? 'Install Rouse again without --omit=optional, or set database to the URL of your own PostgreSQL.'
        : `There is no PostgreSQL to embed for this kind of machine. Set database to the URL of your own PostgreSQL.`,
    })
  }
}

// npm packs no symlinks; the package makes them in an install script, which npm may have blocked.
async function makeSymlinks(packageRoot: string): Promise<void> {
  const links = await readJson<Symlink[]>(join(packageRoot, 'native', 'pg-symlinks.json'))
  for (const { source, target } of links) {
    const path = join(packageRoot, target)
    try {
      await symlink(join(relative(dirname(target), dirname(source)), basename(source)), path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue
      throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `cannot make the symbolic link ${path}`, {
        cause: error,
        advice:
          'Run Rouse once as the user who installed it: npm did not run the install script that makes it.',
      })
    }
  }
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T
}

interface Symlink {
  readonly source: string
  readonly target: string
}

const supported = new Set(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])
