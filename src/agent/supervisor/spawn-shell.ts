import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ShellOperation } from '../../protocol/operation.ts'
import type { Pipe, PipePool } from './pipe-pool.ts'

export interface SpawnedShell {
  readonly child: ChildProcess
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
}

export interface SpawnOptions {
  readonly id: string
  readonly cwd: string
  readonly env: Record<string, string>
  readonly pipes: PipePool
  /** For the moment that it takes to hand the input over. */
  readonly scratchDir: string
  /** Called with the process id in the same turn as the spawn. */
  readonly onSpawned: (pid: number) => void
}

/** Starts a command as the leader of a session and process group of its own. Throws when it cannot be started. */
export async function spawnShell(operation: ShellOperation, options: SpawnOptions): Promise<SpawnedShell> {
  const { command, stdin } = operation
  const [file, args] = typeof command === 'string' ? ['/bin/sh', ['-c', command]] : [command[0]!, command.slice(1)]
  const pipes = await options.pipes.pair()
  const { cwd, env } = options
  const input = stdin === undefined ? undefined : openInput(join(options.scratchDir, options.id), stdin)
  let child: ChildProcess
  try {
    const output = pipes?.map((pipe) => pipe.write) ?? ['pipe', 'pipe']
    child = spawn(file, args, { cwd, env, detached: true, stdio: [input ?? 'ignore', output[0]!, output[1]!] })
    if (child.pid !== undefined) options.onSpawned(child.pid)
  } catch (error) {
    for (const pipe of pipes ?? []) closeSync(pipe.read)
    throw error
  } finally {
    if (input !== undefined) closeSync(input)
    for (const pipe of pipes ?? []) closeSync(pipe.write)
  }
  const [stdout, stderr] = pipes ? pipes.map(readerOf) : [child.stdout!, child.stderr!]
  if (child.pid !== undefined) return { child, pid: child.pid, stdout: stdout!, stderr: stderr! }
  stdout!.destroy()
  stderr!.destroy()
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  throw new Error(whyNot(file, error), { cause: error })
}

// The working directory is there, so what was not found is the program.
function whyNot(file: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return `${file}: no such program, or what its first line asks for is missing`
  return error.code === 'EACCES' ? `${file}: not allowed to run it` : error.message
}

// A file without a name rather than a pipe: a command that does not read its input does no harm to anyone.
function openInput(file: string, text: string): number {
  writeFileSync(file, text, { mode: 0o600 })
  try {
    return openSync(file, 'r')
  } finally {
    unlinkSync(file)
  }
}

function readerOf(pipe: Pipe): Readable {
  return new Socket({ fd: pipe.read, readable: true, writable: false })
}
