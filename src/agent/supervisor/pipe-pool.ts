import { execFile } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../model/errors.ts'
import type { Log } from '../log.ts'

/** File descriptors of the two ends of a pipe. */
export interface Pipe {
  readonly read: number
  readonly write: number
}

/**
 * Makes real pipes for commands. The ones that Node.js makes are sockets, and a socket cannot be opened again:
 * `echo error > /dev/stderr` in a build would fail. A named pipe whose name is removed at once is as good as any other;
 * names are made many at a time, because each time costs a process.
 */
export class PipePool {
  readonly #dir: string
  readonly #log: Log
  #names: string[] = []
  #making: Promise<void> | undefined
  #made = 0
  #impossible = false

  constructor(dir: string, log: Log) {
    this.#dir = dir
    this.#log = log
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
  }

  /** So many pipes, at most 64; undefined where the file system has none. Throws when the process has too many open files. */
  async take(count: number): Promise<Pipe[] | undefined> {
    while (this.#names.length < count && !this.#impossible) await (this.#making ??= this.#make())
    if (this.#impossible) return undefined
    const pipes: Pipe[] = []
    try {
      while (pipes.length < count) pipes.push(openPipe(this.#names.pop()!))
      return pipes
    } catch (error) {
      for (const pipe of pipes) closePipe(pipe)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#making
    this.#impossible = true
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #make(): Promise<void> {
    const names = Array.from({ length: batch }, () => join(this.#dir, String(this.#made++)))
    try {
      await promisify(execFile)('mkfifo', ['-m', '600', ...names], { timeout: 10_000 })
      this.#names.push(...names)
    } catch (error) {
      this.#impossible = true
      this.#log.warn(`commands here cannot open /dev/stdout and /dev/stderr: ${messageOf(error)}`)
    } finally {
      this.#making = undefined
    }
  }
}

export function closePipe({ read, write }: Pipe): void {
  closeSync(read)
  closeSync(write)
}

// Opened for both ways first: opening one end alone would wait for the other.
function openPipe(name: string): Pipe {
  const both = openSync(name, constants.O_RDWR)
  try {
    const read = openSync(name, constants.O_RDONLY)
    try {
      return { read, write: openSync(name, constants.O_WRONLY) }
    } catch (error) {
      closeSync(read)
      throw error
    }
  } finally {
    closeSync(both)
    unlinkSync(name)
  }
}

const batch = 64
