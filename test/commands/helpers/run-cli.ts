import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { waitFor } from '../../helpers/wait-for.ts'

export interface Run {
  /** Standard output so far. */
  bytes(): Buffer
  out(): string
  err(): string
  kill(signal: NodeJS.Signals): void
  /** Waits until stdout and stderr together hold the text or match. */
  shows(what: string | RegExp): Promise<void>
  /** The exit code, or the signal that ended it, once it has ended. */
  ended(): Promise<number | NodeJS.Signals>
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Starts `rouse ARGS` as a process of its own, with its output in pipes; ended with the test. */
export function rouse(args: readonly string[], options: RunOptions = {}): Run {
  return runProgram(process.execPath, [...cli, ...args], options)
}

/** What a shell or another program runs `rouse` with. */
export const cli = ['--conditions=source', fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))]

export function runProgram(
  program: string,
  args: readonly string[],
  { cwd = tmpdir(), env = {} }: RunOptions,
): Run {
  const { NO_COLOR, FORCE_COLOR, ROUSE_URL, CI, ...inherited } = process.env
  const child = spawn(program, args, {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out: Buffer[] = []
  let err = ''
  child.stdout.on('data', (data: Buffer) => out.push(data))
  child.stderr.on('data', (data) => (err += String(data)))
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = closed.then(([code, signal]) => code ?? signal!)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const bytes = () => Buffer.concat(out)
  return {
    bytes,
    out: () => bytes().toString(),
    err: () => err,
    kill: (signal) => void child.kill(signal),
    shows: async (what) => {
      const found = () => {
        const all = bytes().toString() + err
        return typeof what === 'string' ? all.includes(what) : what.test(all)
      }
      try {
        await waitFor(String(what), found)
      } catch (cause) {
        throw new Error(`${String(what)} is not in:\n${bytes().toString()}\n${err}`, { cause })
      }
    },
    ended: () => ended,
  }
}
