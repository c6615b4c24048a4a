import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { seconds } from '../model/durations.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import type { Log } from './log.ts'

/** Options of `rouse worker`, as they come from the command line. */
export interface RawWorkerOptions {
  /** Each may be several, separated by commas. */
  readonly master?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly passwordFile?: string | undefined
  readonly removePasswordFile?: boolean | undefined
  readonly channel?: string | undefined
  readonly clock?: string | undefined
  readonly instance?: boolean | undefined
  /** A duration. */
  readonly giveUp?: string | undefined
  readonly giveUpCommand?: string | undefined
  readonly baseDir?: string | undefined
  readonly caFile?: string | undefined
  /** In MiB. */
  readonly maxSpool?: string | undefined
}

export interface WorkerOptions {
  readonly masters: readonly string[]
  readonly name: string
  /** '' with a channel. */
  readonly passwordFile: string
  readonly removePasswordFile: boolean
  readonly channel: string | undefined
  readonly clock: string | undefined
  readonly instance: boolean
  /** In seconds. */
  readonly giveUp: number | undefined
  readonly giveUpCommand: string | undefined
  readonly baseDir: string
  readonly caFile: string | undefined
  /** In bytes. */
  readonly maxSpool: number | undefined
}

/** Throws ROUSE_USAGE and ROUSE_DURATION_INVALID. */
export function checkWorkerOptions({
  baseDir,
  caFile,
  channel,
  clock,
  giveUp,
  giveUpCommand,
  instance = false,
  master,
  maxSpool,
  name,
  passwordFile = '',
  removePasswordFile = false,
}: RawWorkerOptions): WorkerOptions {
  const masters = (master ?? [])
    .flatMap((urls) => urls.split(','))
    .map((url) => url.trim())
    .filter(Boolean)
  if (masters.length === 0)
    throw new RouseError('ROUSE_USAGE', '--master is missing: the address of the master')
  if (!name) throw new RouseError('ROUSE_USAGE', "--name is missing: the worker's name in master.config.ts")
  if (/[:/\\\p{Cc}]/u.test(name))
    throw new RouseError('ROUSE_USAGE', `${JSON.stringify(name)} is not the name of a worker`)
  if (channel !== undefined && (!instance || passwordFile))
    throw new RouseError('ROUSE_USAGE', '--channel stands in place of --password-file, beside --instance')
  if (!passwordFile && channel === undefined)
    throw new RouseError('ROUSE_USAGE', '--password-file is missing: a file that holds the password')
  return {
    masters,
    name,
    passwordFile,
    removePasswordFile,
    channel,
    clock,
    instance,
    giveUp: giveUp === undefined ? undefined : patience(giveUp),
    giveUpCommand,
    baseDir: resolve(baseDir ?? `rouse-worker-${name}`),
    caFile,
    maxSpool: maxSpool === undefined ? undefined : mebibytes(maxSpool),
  }
}

function patience(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : seconds(text)
  if (number > 0) return number
  throw new RouseError('ROUSE_USAGE', `--give-up ${JSON.stringify(text)} is no time to wait`)
}

function mebibytes(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text) * 1_048_576
  throw new RouseError('ROUSE_USAGE', `--max-spool ${JSON.stringify(text)} is not a number of MiB`)
}

/** Throws ROUSE_WORKER_PASSWORD_FILE. */
export function readPassword(file: string, log: Log): string {
  let password: string
  try {
    password = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if ((statSync(file).mode & 0o077) !== 0) log.warn(`others can read the password in ${file}; chmod 600 it`)
  } catch (error) {
    throw new RouseError('ROUSE_WORKER_PASSWORD_FILE', messageOf(error), { cause: error })
  }
  if (!password) throw new RouseError('ROUSE_WORKER_PASSWORD_FILE', `${file} is empty`)
  return password
}

/** Throws ROUSE_USAGE. */
export function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new RouseError('ROUSE_USAGE', `--ca-file: ${messageOf(error)}`, { cause: error })
  }
}
