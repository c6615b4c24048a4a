import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ShellOperation } from '../../protocol/operation.ts'
import { openInput, openInputInMemory } from './open-input.ts'
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
  /** The input must not be on a disk, not even for that moment. */
  readonly secretInput: boolean
  /** Called with the process id in the same turn as the spawn. */
  readonly onSpawned: (pid: number) => void
}

/** Starts a command as the leader of a session and process group of its own. Throws when it cannot be started. */
export async function spawnShell(operation: ShellOperation, options: SpawnOptions): Promise<SpawnedShell> {
  const { command, stdin } = operation
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  const { cwd, env } = options
  const pipes = await options.pipes.take(2)
  const [out, err] = pipes ?? []
  // What this process has to close once the command has it.
  const given: number[] = [out?.write, err?.write].filter((fd) => fd !== undefined)
  let child: ChildProcess | undefined
  try {
    const input = stdin === undefined ? 'ignore' : (inputOf(stdin, options) ?? 'pipe')
    if (typeof input === 'number') given.push(input)
    child = spawn(argv[0]!, argv.slice(1), {
      cwd,
      env,
      detached: true,
      stdio: [input, out?.write ?? 'pipe', err?.write ?? 'pipe'],
    })
    if (child.pid === undefined) throw await failureOf(child, argv[0]!)
    options.onSpawned(child.pid)
    if (input === 'pipe') write(child, stdin!)
    const [stdout, stderr] = [out, err].map((pipe) => pipe && readerOf(pipe))
    return { child, pid: child.pid, stdout: stdout ?? child.stdout!, stderr: stderr ?? child.stderr! }
  } catch (error) {
    if (child?.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    for (const fd of [out?.read, err?.read]) if (fd !== undefined) closeSync(fd)
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

function inputOf(stdin: string, { id, scratchDir, secretInput }: SpawnOptions): number | undefined {
  return secretInput ? openInputInMemory(id, stdin) : openInput(join(scratchDir, id), stdin)
}

// A command that ends without reading it is harmless: the rest goes with it.
function write(child: ChildProcess, text: string): void {
  const input = child.stdin!
  input.on('error', () => {})
  child.once('exit', () => input.destroy())
  input.end(text)
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
