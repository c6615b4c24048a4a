import { execFile } from 'node:child_process'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, RouseError } from '../../model/errors.ts'

export interface UnitInstall {
  /** Without '.service'. */
  readonly name: string
  readonly text: string
  /** undefined: the system's, and the unit is enabled and started. */
  readonly dir: string | undefined
}

/** Writes a unit, and starts it anew where it is the system's. Returns what was done, a line each. Throws ROUSE_INSTALL. */
export async function installUnit({ dir, name, text }: UnitInstall): Promise<string[]> {
  const file = join(dir ?? systemDir, `${name}.service`)
  await attempt(async () => {
    await mkdir(dir ?? systemDir, { recursive: true })
    await writeFile(file, text)
  })
  const written = `wrote ${file}`
  if (dir !== undefined) return [written]
  await run('systemctl', ['daemon-reload'])
  await run('systemctl', ['enable', name])
  await run('systemctl', ['restart', name], restartMs)
  return [written, `${name} is enabled and started; journalctl -u ${name} shows what it says`]
}

/** Makes a system account when it is missing. Returns whether it did. Throws ROUSE_INSTALL. */
export async function makeAccount(user: string, home: string): Promise<boolean> {
  if ((await accountOf(user)) !== undefined) return false
  await run('useradd', ['-r', '-U', '-d', home, '-s', '/bin/sh', user])
  return true
}

/** Hands files and folders over to an account. Throws ROUSE_INSTALL. */
export async function giveTo(user: string, ...paths: string[]): Promise<void> {
  const [uid, gid] = (await accountOf(user)) ?? []
  await attempt(async () => {
    for (const path of paths) await chown(path, uid!, gid!)
  })
}

/** Throws ROUSE_USAGE for who is not root. */
export function needRoot(): void {
  if (process.getuid?.() !== 0)
    throw new RouseError('ROUSE_USAGE', 'only root can install a unit of the system', {
      advice: 'Run it with sudo, or with --dry-run or --systemd-dir D, which change nothing of the system.',
    })
}

export async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new RouseError('ROUSE_INSTALL', messageOf(error), { cause: error })
  }
}

async function accountOf(user: string): Promise<[uid: number, gid: number] | undefined> {
  try {
    const ids = await Promise.all(['-u', '-g'].map((which) => promisify(execFile)('id', [which, user])))
    return [Number(ids[0]!.stdout), Number(ids[1]!.stdout)]
  } catch {
    return undefined
  }
}

async function run(program: string, args: readonly string[], timeout = commandMs): Promise<void> {
  try {
    await promisify(execFile)(program, args, { timeout })
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim()
    throw new RouseError('ROUSE_INSTALL', said ? `${program} ${args.join(' ')}: ${said}` : messageOf(error), {
      cause: error,
    })
  }
}

const systemDir = '/etc/systemd/system'
const commandMs = 60_000
/** What an agent may take for the builds that it runs, and a little more. */
const restartMs = 660_000
