import { spawn } from 'node:child_process'
import type { Log } from './log.ts'

export interface GiveUpChoice {
  /** Of `--give-up-command`; '' is none. */
  readonly command: string | undefined
  /** Whether `--give-up` was said. */
  readonly isEphemeral: boolean
  readonly instance: boolean
  readonly isRoot: boolean
}

/** What an agent runs when it has given up; '' for nothing. A machine that was made for it is powered off. */
export function giveUpCommand({ command, instance, isEphemeral, isRoot }: GiveUpChoice): string {
  if (!isEphemeral) return ''
  return command ?? (instance && isRoot ? 'poweroff || poweroff -f' : '')
}

/** Runs it by the shell and waits for its end, a minute at most. Never rejects. */
export async function runGiveUpCommand(command: string, log: Log): Promise<void> {
  if (!command) return
  log.warn(`running ${command}`)
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: deadlineMs,
  })
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? code}`))
  })
  if (end) log.error(`${command} failed: ${end}`)
}

const deadlineMs = 60_000
