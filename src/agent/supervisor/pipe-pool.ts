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
 * Makes real pipes for the output of commands. The ones that Node.js makes are sockets, and a socket cannot be opened again:
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

  /** Two pipes; undefined where the file system has none. Throws when the process has too many open files. */
  async pair(): Promise<[Pipe, Pipe] | undefined> {
    while (this.#names.length < 2 && !this.#impossible) await (this.#making ??= this.#make())
    if (this.#impossible) return undefined
    const first = openPipe(this.#names.pop()!)
    try {
      return [first, openPipe(this.#names.pop()!)]
    } catch (error) {
      closeSync(first.read)
      closeSync(first.write)
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
