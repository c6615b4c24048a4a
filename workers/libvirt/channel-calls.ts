import type { Connection } from './connection.ts'
import { withDomain } from './domain-calls.ts'
import type { Pointer } from './library.ts'

/** The call that speaks with a guest, as a lane makes it. Throws LibvirtError. */
export const channelCalls = {
  /**
   * Opens a virtio-serial port, says a line, and reads until one is `awaited`. It blocks until then: whoever does not want to wait any longer ends
   * the lane. A conversation of somebody else, perhaps of a master that died, is ended.
   */
  converse(c: Connection, name: string, port: string, say: string | undefined, awaited: string): void {
    withDomain(c, name, (domain) => {
      const { library } = c
      const what = `cannot speak with domain ${name}`
      const stream = c.ask(what, 'virStreamNew', 0) as Pointer
      const read = Buffer.alloc(readBytes)
      try {
        library.check(what, library.call('virDomainOpenChannel', domain, port, stream, force))
        for (let rest = Buffer.from(say === undefined ? '' : `${say}\n`); rest.length > 0;) {
          const sent = library.check(what, library.call('virStreamSend', stream, rest, rest.length)) as number
          rest = rest.subarray(sent)
        }
        let heard = ''
        for (;;) {
          const count = library.check(
            what,
            library.call('virStreamRecv', stream, read, read.length),
          ) as number
          if (count === 0) throw new Error(`${what}: its port was closed`)
          const lines = (heard + read.toString('utf8', 0, count)).split('\n')
          if (lines.slice(0, -1).includes(awaited)) break
          // What a guest says is not trusted, not even to end.
          heard = lines.at(-1)!.slice(-readBytes)
        }
      } finally {
        library.call('virStreamAbort', stream)
        library.call('virStreamFree', stream)
      }
    })
  },
}

const force = 1
const readBytes = 4096
