import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { ShellOperation } from '../../protocol/operation.ts'
import type { Pipe, PipePool } from './pipe-pool.ts'
import { signalGroup } from './process-group.ts'

export interface SpawnedShell {
  readonly child: ChildProcess
  readonly pid: number
  /** Paused. What they give out is to be copied by whoever keeps it. */
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
  /** The input may not be written to disk, not even for that moment. */
  readonly secretInput: boolean
  /** Called with the process id in the same turn as the spawn. */
  readonly onSpawned: (pid: number) => void
}

/** Starts a command as the leader of a session and process group of its own. Throws when it cannot be started. */
export async function spawnShell(operation: ShellOperation, options: SpawnOptions): Promise<SpawnedShell> {
  const { command, stdin } = operation
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  const { cwd, env } = options
  const piped = stdin !== undefined && options.secretInput
  const pipes = await options.pipes.take(piped ? 3 : 2)
  const [out, err, feed] = pipes ?? []
  // What this process has to close once the command has it.
  const given: number[] = [out?.write, err?.write, feed?.read].filter((fd) => fd !== undefined)
  let child: ChildProcess | undefined
  try {
    let input: number | 'pipe' | 'ignore' = 'ignore'
    if (piped) input = feed?.read ?? 'pipe'
    else if (stdin !== undefined) given.push((input = openInput(join(options.scratchDir, options.id), stdin)))
    child = spawn(argv[0]!, argv.slice(1), {
      cwd,
      env,
      detached: true,
      stdio: [input, out?.write ?? 'pipe', err?.write ?? 'pipe'],
    })
    if (child.pid === undefined) throw await failureOf(child, argv[0]!)
    options.onSpawned(child.pid)
    if (piped) write(child, feed ? writerOf(feed) : child.stdin!, stdin)
    const [stdout, stderr] = [out, err].map((pipe) => pipe && readerOf(pipe))
    return { child, pid: child.pid, stdout: stdout ?? child.stdout!, stderr: stderr ?? child.stderr! }
  } catch (error) {
    if (child?.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    for (const fd of [out?.read, err?.read, feed?.write]) if (fd !== undefined) closeSync(fd)
    throw error
  } finally {
    for (const fd of given) closeSync(fd)
  }
}

// The working directory is there, so what was not found is the program.
async function failureOf(child: ChildProcess, file: string): Promise<Error> {
  const [cause] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  const reasons: Record<string, string> = {
    ENOENT: `${file}: no such program, or what its first line asks for is missing`,
    EACCES: `${file}: not allowed to run it`,
  }
  return new Error(reasons[cause.code ?? ''] ?? cause.message, { cause })
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

// A command that ends without reading it is harmless: the rest goes with it.
function write(child: ChildProcess, input: Writable, text: string): void {
  input.on('error', () => {})
  child.once('exit', () => input.destroy())
  input.end(text)
}

function writerOf(pipe: Pipe): Writable {
  return new Socket({ fd: pipe.write, readable: false, writable: true })
}

// Its 'data' is gone when the listeners return: a buffer for each read would keep the garbage collector busier than all else.
function readerOf(pipe: Pipe): Readable {
  const callback = (count: number) => socket.emit('data', readBuffer.subarray(0, count))
  const onread = { buffer: readBuffer, callback }
  const socket: Socket = new Socket({ fd: pipe.read, readable: true, writable: false, onread })
  return socket.pause()
}

/** As much as a pipe holds. */
const readBuffer = Buffer.allocUnsafeSlow(65_536)
