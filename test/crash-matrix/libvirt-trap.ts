import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { OnEnd } from '../helpers/master-process.ts'

export interface LibvirtTrap {
  /** Called before a call is passed on, and before its answer is. What it kills hears no more. */
  witness: (operation: string, when: 'before' | 'after') => void
  /** Names of the domains that were defined. */
  readonly defined: ReadonlySet<string>
  /** Breaks every connection. */
  cut(): void
}

/** A Unix socket in front of libvirtd's, which sees each call that changes something. */
export async function startLibvirtTrap(upstream: string, socket: string, onEnd: OnEnd): Promise<LibvirtTrap> {
  const sockets = new Set<Socket>()
  const defined = new Set<string>()
  const trap = { witness: (() => {}) as LibvirtTrap['witness'] }

  const server = createServer((client) => {
    const daemon = connect(upstream)
    for (const one of [client, daemon]) {
      sockets.add(one)
      one.on('error', () => {})
      one.once('close', () => {
        sockets.delete(one)
        client.destroy()
        daemon.destroy()
      })
    }
    pass(client, daemon, ({ operation, type }) => {
      if (operation !== undefined && type === call) trap.witness(operation, 'before')
    })
    pass(daemon, client, ({ body, operation, status, type }) => {
      if (operation === undefined || type !== reply) return
      if (operation === 'define' && status === 0) defined.add(firstText(body))
      trap.witness(operation, 'after')
    })
  })
  server.listen(socket)
  await once(server, 'listening')
  const cut = () => {
    for (const one of sockets) one.destroy()
  }
  onEnd(async () => {
    cut()
    server.close()
    await once(server, 'close')
  })
  return Object.assign(trap, { defined, cut })
}

interface Message {
  readonly operation: string | undefined
  readonly type: number
  readonly status: number
  readonly body: Buffer
}

/** Each message whole, after it was looked at. */
function pass(from: Socket, to: Socket, look: (message: Message) => void): void {
  let rest = Buffer.alloc(0)
  from.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0)) {
      const message = rest.subarray(0, rest.readUInt32BE(0))
      rest = rest.subarray(message.length)
      look(read(message))
      if (!from.destroyed && !to.destroyed) to.write(message)
    }
  })
}

// Length, program, version, procedure, type, serial, status.
function read(message: Buffer): Message {
  const isRemote = message.readUInt32BE(4) === remoteProgram
  return {
    operation: isRemote ? operations[message.readUInt32BE(12)] : undefined,
    type: message.readUInt32BE(16),
    status: message.readUInt32BE(24),
    body: message.subarray(28),
  }
}

function firstText(body: Buffer): string {
  return body.toString('utf8', 4, 4 + body.readUInt32BE(0))
}

const remoteProgram = 0x20008086
const [call, reply] = [0, 1]
const operations: Readonly<Record<number, string>> = {
  9: 'create',
  11: 'define',
  12: 'destroy',
  93: 'create volume',
  94: 'delete volume',
  185: 'snapshot',
  192: 'revert',
  196: 'create',
  208: 'upload',
  231: 'undefine',
  264: 'stamp',
  296: 'open channel',
  350: 'define',
}
