import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { RouseError } from '../../model/errors.ts'
import { codeOf } from '../connection-failure.ts'
import { isAlive } from './postmaster-pid.ts'
import { serverEnvironment, type ServerSetup } from './server-setup.ts'

/** Makes the data folder unless it is there. It is made beside its place and moved there, so a death leaves nothing half. */
export async function initDataFolder(setup: ServerSetup, signal?: AbortSignal): Promise<void> {
  await removeLeftovers(setup.folder)
  if (await isInitialised(setup)) return
  setup.progress('Setting up the database; this is done once')
  const draft = `${setup.folder}.new-${process.pid}-${randomUUID()}`
  const { uid, gid } = setup.account.ids
  try {
    await mkdir(draft, { mode: 0o700 })
    if (uid !== undefined && gid !== undefined) await chown(draft, uid, gid)
    await runInitdb(setup, draft, signal)
    await moveInto(draft, setup.folder)
  } finally {
    await rm(draft, { recursive: true, force: true, maxRetries: 5 })
  }
  if (!(await isInitialised(setup))) {
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `${setup.folder} holds something else than a database`, {
      advice: 'Move it away, or choose another dataDir.',
    })
  }
}

async function isInitialised({ folder, binaries }: ServerSetup): Promise<boolean> {
  const version = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (version === undefined) return false
  if (version.trim() === binaries.majorVersion) return true
  const versions = `PostgreSQL ${version.trim()}, and this Rouse brings PostgreSQL ${binaries.majorVersion}`
  throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `the database in ${folder} was written by ${versions}`, {
    advice:
      'Start the version of Rouse that wrote it, or move the data with pg_dump and pg_restore of PostgreSQL itself.',
  })
}

async function runInitdb({ binaries, account, settings }: ServerSetup, folder: string, signal?: AbortSignal) {
  const command = [
    ...account.prefix,
    binaries.initdb,
    `--pgdata=${folder}`,
    '--username=rouse',
    // The folder is ours alone, and so is the socket.
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(settings.fsync === 'off' ? ['--no-sync'] : []),
  ]
  try {
    await promisify(execFile)(command[0]!, command.slice(1), {
      ...account.ids,
      env: serverEnvironment(),
      timeout: initTimeout,
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    signal?.throwIfAborted()
    const said = (error as { stderr?: string }).stderr?.trim()
    throw new RouseError(
      'ROUSE_EMBEDDED_POSTGRES',
      `the database could not be set up: ${said || String(error)}`,
      {
        cause: error,
        advice: account.advice ?? defaultAdvice,
      },
    )
  }
}

// Another master that set up the same folder meanwhile was quicker: its database is as good as ours.
async function moveInto(draft: string, folder: string): Promise<void> {
  try {
    await rename(draft, folder)
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return
    throw error
  }
  const parent = await open(dirname(folder))
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    const [, pid] = name.startsWith(basename(folder)) ? (/\.new-(\d+)-/.exec(name) ?? []) : []
    if (!pid || isAlive(Number(pid))) continue
    // Its initdb may have outlived it and write there still; then the next start removes it.
    await rm(join(dirname(folder), name), { recursive: true, force: true }).catch(() => {})
  }
}

const defaultAdvice = 'Check that dataDir is on a local disk with room, and that Rouse runs as its owner.'
const initTimeout = 120_000
