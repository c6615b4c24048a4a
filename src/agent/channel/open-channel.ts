import { close, constants, open, readSync, statSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { systemClock } from '../../util/clock.ts'

/** A line to the machine's host that is never waited for: the machine may be frozen at any point and go on much later. */
export interface Channel {
  /** What has come since; empty when nothing has. Throws when the other side is gone for good. */
  read(): Buffer
  /** Gives up after a while where nobody reads. */
  write(text: string): Promise<void>
  close(): void
}

/** Opens a character device or connects to a Unix socket. */
export async function openChannel(path: string, signal: AbortSignal): Promise<Channel> {
  return statSync(path).isSocket() ? await openSocket(path, signal) : await openDevice(path, signal)
}

// A read that blocks would take one of the few threads, and could not be ended.
async function openDevice(path: string, signal: AbortSignal): Promise<Channel> {
  const { O_NOCTTY, O_NONBLOCK, O_RDWR } = constants
  const fd = await promisify(open)(path, O_RDWR | O_NONBLOCK | O_NOCTTY)
  const buffer = Buffer.alloc(maxRead)
  return {
    read() {
      const length = unlessBusy(() => readSync(fd, buffer))
      return buffer.subarray(0, length)
    },
    async write(text) {
      let rest = Buffer.from(text)
      for (let tries = 0; rest.length > 0 && tries < writeTries; tries++) {
        rest = rest.subarray(unlessBusy(() => writeSync(fd, rest)))
        if (rest.length > 0) await systemClock.sleep(writePauseMs, signal)
      }
    },
    close: () => close(fd, () => {}),
  }
}

/** 0 as well when nobody is at the other end. */
function unlessBusy(work: () => number): number {
  try {
    return work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // EIO: of a pseudo terminal whose other end is closed.
    if (code === 'EAGAIN' || code === 'EIO') return 0
    throw error
  }
}

async function openSocket(path: string, signal: AbortSignal): Promise<Channel> {
  const socket = connect(path)
  let come = Buffer.alloc(0)
  let failure: Error | undefined
  socket.on('data', (part) => {
    come = Buffer.concat([come, part])
    if (come.length > maxRead) socket.pause()
  })
  socket.on('error', (error) => (failure = error))
  socket.on('close', () => (failure ??= new Error('it was closed')))
  const stop = () => socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  return {
    read() {
      if (failure && come.length === 0) throw failure
      const read = come
      come = Buffer.alloc(0)
      socket.resume()
      return read
    },
    async write(text) {
      if (socket.writableLength < maxRead) socket.write(text)
    },
    close() {
      signal.removeEventListener('abort', stop)
      socket.end()
      socket.unref()
    },
  }
}

const maxRead = 16_384
const writeTries = 50
const writePauseMs = 10
