import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { seconds } from '../model/durations.ts'
import { messageOf } from '../model/errors.ts'
import type { CommandResult } from '../protocol/operation.ts'
import { maxRawBytes } from '../protocol/output-frame.ts'
import type { Stream } from '../protocol/runs.ts'
import type { MasterShellRequest } from '../steps/step.ts'
import { allowedEnvironment } from '../util/allowed-environment.ts'
import { deadlineSignal } from '../util/deadline-signal.ts'
import type { Revealed } from './step-secrets.ts'

type Shell = ChildProcessByStdio<null, Readable, Readable>
export type Write = (stream: Stream, bytes: Buffer) => Promise<unknown>

/**
 * Runs a command on the master's machine, in a process group of its own, with the allow-listed part of the master's
 * environment. `write` is told its output and slows it down. Rejects with the signal's reason once all of it is dead.
 */
export async function runOnMaster(
  { command, env = {}, maxTime = 1200 }: Revealed<MasterShellRequest>,
  { cwd, signal, write }: { cwd: string; signal: AbortSignal; write: Write },
): Promise<CommandResult> {
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  let shell: Shell
  try {
    shell = spawn(program!, args, {
      cwd,
      env: { ...allowedEnvironment(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    shell.on('error', () => {})
    await once(shell, 'spawn')
  } catch (error) {
    return { exitCode: null, signal: null, reason: 'notStarted', message: messageOf(error) }
  }
  const ended = once(shell, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const output = Promise.all([
    pass(shell.stdout, (bytes) => write('stdout', bytes)),
    pass(shell.stderr, (bytes) => write('stderr', bytes)),
  ])
  const limit = seconds(maxTime) * 1000
  using tooLong = limit > 0 ? deadlineSignal(limit) : null
  const stop = tooLong ? AbortSignal.any([signal, tooLong.signal]) : signal
  const kill = () => void endGroup(shell, ended)
  stop.addEventListener('abort', kill)
  if (stop.aborted) kill()
  try {
    const [exitCode, endSignal] = await ended
    signalGroup(shell, 'SIGKILL')
    // A process that left the group may hold the pipes for ever.
    await Promise.race([output, delay(lastWords)])
    signal.throwIfAborted()
    if (tooLong?.signal.aborted)
      return {
        exitCode: null,
        signal: null,
        reason: 'maxTime',
        message: `killed after ${seconds(maxTime)} s`,
      }
    return { exitCode, signal: endSignal, reason: null }
  } finally {
    stop.removeEventListener('abort', kill)
    shell.stdout.destroy()
    shell.stderr.destroy()
  }
}

async function pass(stream: Readable, write: (bytes: Buffer) => Promise<unknown>): Promise<void> {
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      for (let at = 0; at < bytes.length; at += maxRawBytes) await write(bytes.subarray(at, at + maxRawBytes))
    }
  } catch {
    // What is left of it is not wanted, or cannot be stored; the command ends all the same.
    stream.resume()
  }
}

async function endGroup(shell: Shell, ended: Promise<unknown>): Promise<void> {
  signalGroup(shell, 'SIGTERM')
  const over = new AbortController()
  const patience = delay(grace, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([ended, patience])
  over.abort()
  signalGroup(shell, 'SIGKILL')
}

function signalGroup({ pid }: Shell, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal)
  } catch {
    // Nothing of the group is left.
  }
}

/** Milliseconds between SIGTERM and SIGKILL, and for what is still in the pipes. */
const grace = 5000
const lastWords = 1000
