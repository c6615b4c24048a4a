import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../model/errors.ts'
import type { MaskedOutput } from './mask/masked-output.ts'

export interface FollowedFileOptions {
  /** As the step named it. */
  readonly path: string
  readonly workdir: string
  /** It must stay within: links that lead out are not followed. */
  readonly root: string
  readonly output: MaskedOutput
  /** Bytes that its log may have. */
  readonly maxBytes: number
  /** The command gave a sign of life. */
  readonly heard: () => void
  /** Aborted: what is left is not read. */
  readonly kill: AbortSignal
}

/**
 * A file that a command writes: what it gets goes to a log. It may come late, be truncated, removed and replaced. One that was
 * there before the command and has not changed belongs to an earlier build.
 */
export class FollowedFile {
  readonly #o: FollowedFileOptions
  readonly #path: string
  /** What it was before the command began. */
  #before: string | undefined
  #open: { readonly handle: FileHandle; readonly id: string } | undefined
  #position = 0
  #told: string | undefined

  constructor(options: FollowedFileOptions) {
    this.#o = options
    this.#path = resolve(options.workdir, options.path)
  }

  /** To be awaited before the command begins. */
  async prepare(): Promise<void> {
    this.#before = await stat(this.#path, { bigint: true }).then(stampOf, () => undefined)
  }

  /** Reads what has been added since, also of the file that has replaced it. Never throws: the log says what is wrong. */
  async read(): Promise<void> {
    try {
      if (this.#open) await this.#readToEnd(this.#open.handle)
      if (await this.#openNext()) await this.#readToEnd(this.#open!.handle)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#tell(messageOf(error))
    }
  }

  /** Reads what is left. Never throws. */
  async finish(): Promise<void> {
    await this.read()
    if (!this.#open && this.#told === undefined) this.#tell('the command did not write it')
    await this.#close()
  }

  /** Whether something else stands at the path now. */
  async #openNext(): Promise<boolean> {
    const stats = await stat(this.#path, { bigint: true })
    if (this.#open ? idOf(stats) === this.#open.id : stampOf(stats) === this.#before) return false
    const handle = await this.#openConfined()
    try {
      const opened = await handle.stat({ bigint: true })
      if (!opened.isFile()) throw new Error('it is not a file')
      await this.#close()
      this.#open = { handle, id: idOf(opened) }
      this.#position = 0
      return true
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  // What was read of it is good, whatever its file system says at the end.
  async #close(): Promise<void> {
    await this.#open?.handle.close().catch((error: unknown) => this.#tell(messageOf(error)))
    this.#open = undefined
  }

  async #openConfined(): Promise<FileHandle> {
    const root = await realpath(this.#o.root)
    const real = await realpath(this.#path)
    if (!isWithin(root, real)) throw new Error('it leads out of the workspace')
    // A named pipe must not hold us up.
    const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    // A folder on the way may have become a link meanwhile.
    const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => real)
    if (isWithin(root, opened)) return handle
    await handle.close()
    throw new Error('it leads out of the workspace')
  }

  // Until the end that it has now: something that the command left behind may write for ever.
  async #readToEnd(handle: FileHandle): Promise<void> {
    const { heard, kill, output } = this.#o
    const { size } = await handle.stat()
    if (size < this.#position) {
      output.appendHeader('the file was truncated: it goes on from its beginning\n')
      this.#position = 0
    }
    while (this.#position < size && !kill.aborted) {
      heard()
      if (output.full) {
        await delay(roomMs)
        continue
      }
      this.#leaveOut(size)
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, size - this.#position))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.#position)
      if (bytesRead === 0) return
      this.#position += bytesRead
      output.append('stdout', buffer.subarray(0, bytesRead))
    }
  }

  // What no log can hold need not be read: a sparse file may be longer than any disk.
  #leaveOut(size: number): void {
    const { maxBytes, output } = this.#o
    const leftOut = size - this.#position - maxBytes
    if (leftOut <= 0 || this.#position < maxBytes) return
    output.leaveOut(leftOut)
    this.#position += leftOut
  }

  #tell(why: string): void {
    if (this.#told === why) return
    this.#told = why
    this.#o.output.appendHeader(`${this.#o.path}: ${why}\n`)
  }
}

function idOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

function stampOf(stats: BigIntStats): string {
  return [idOf(stats), stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path)
  return !isAbsolute(way) && way.split(sep)[0] !== '..'
}

const readBytes = 65_536
const roomMs = 20
