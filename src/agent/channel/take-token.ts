import { systemClock } from '../../util/clock.ts'
import type { Log } from '../log.ts'
import { openChannel } from './open-channel.ts'

/** What a machine's host hands to its agent once the machine is fresh. */
export interface HandedToken {
  readonly token: string
  readonly generation: number
  /** The right time, milliseconds since the epoch. */
  readonly time: number
}

export interface TakeTokenOptions {
  /** A character device, such as a virtio-serial port, or a Unix socket. */
  readonly path: string
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Says `ready` on the channel every second until the host answers with one line of JSON, and confirms that with
 * `taken <generation>`. The machine may be stopped, copied and taken back to this point as often as its host likes. Rejects only when
 * aborted.
 */
export async function takeToken({ log, path, signal }: TakeTokenOptions): Promise<HandedToken> {
  const lines = new Lines()
  log.info(`waiting at ${path} for a token`)
  for (let trouble = ''; ;) {
    signal.throwIfAborted()
    try {
      const channel = await openChannel(path, signal)
      try {
        for (let sent = -Infinity; ;) {
          for (const line of lines.take(channel.read())) {
            const handed = handedToken(line)
            if (!handed) {
              log.warn(`what came by ${path} is no token`)
              continue
            }
            await channel.write(`taken ${handed.generation}\n`)
            return handed
          }
          if (performance.now() - sent >= readyMs) {
            await channel.write('ready\n')
            sent = performance.now()
          }
          await systemClock.sleep(pollMs, signal)
        }
      } finally {
        channel.close()
      }
    } catch (error) {
      signal.throwIfAborted()
      const text = error instanceof Error ? error.message : String(error)
      if (text !== trouble) log.warn(`${path} cannot be used: ${text}`)
      trouble = text
      await systemClock.sleep(readyMs, signal)
    }
  }
}

/** Cuts bytes into lines; one that is too long is left out. */
class Lines {
  #rest = ''
  #skips = false

  take(bytes: Buffer): string[] {
    const parts = (this.#rest + bytes.toString('latin1')).split('\n')
    this.#rest = parts.pop()!
    const lines = parts.slice(this.#skips ? 1 : 0)
    if (parts.length > 0) this.#skips = false
    if (this.#rest.length > longestLine) {
      this.#rest = ''
      this.#skips = true
    }
    return lines.filter((line) => line.length <= longestLine)
  }
}

function handedToken(line: string): HandedToken | undefined {
  try {
    const { generation, time, token } = JSON.parse(line) as Record<string, unknown>
    const isToken = typeof token === 'string' && /^[\w-]{20,200}$/.test(token)
    const isGeneration = Number.isInteger(generation) && (generation as number) > 0
    const isTime = Number.isInteger(time) && (time as number) > earliest && (time as number) < latest
    if (!isToken || !isGeneration || !isTime) return undefined
    return { token, generation: generation as number, time: time as number }
  } catch {
    return undefined
  }
}

const readyMs = 1000
const pollMs = 50
const longestLine = 1000
const earliest = Date.UTC(2020)
const latest = Date.UTC(2200)
