import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { codeOf } from '../connection-failure.ts'

/** What a server writes into its data folder for as long as it runs. */
export interface PostmasterPid {
  readonly pid: number
  /** Not there yet while it starts. */
  readonly socketFolder: string | undefined
}

export async function readPostmasterPid(folder: string): Promise<PostmasterPid | undefined> {
  const text = await readFile(join(folder, pidFile), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  const lines = text?.split('\n')
  const pid = Number(lines?.[0])
  return pid > 0 ? { pid, socketFolder: lines?.[4]?.trim() || undefined } : undefined
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** Whether a living pid is the server of this folder, and not another program that got the number of a dead one. */
export async function isServerOf(pid: number, folder: string): Promise<boolean> {
  const command = await commandLine(pid)
  // What cannot be seen may be the server: waiting for it is safe, starting a second one is not.
  return command === undefined ? isAlive(pid) : command.includes(`-D ${folder} -c`)
}

async function commandLine(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux')
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    return (await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { timeout: 10_000 }))
      .stdout
  } catch {
    return undefined
  }
}

export const pidFile = 'postmaster.pid'
