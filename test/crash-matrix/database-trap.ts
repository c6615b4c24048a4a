import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { socketPort, type DatabaseSocket } from '../../src/db/database-address.ts'
import type { OnEnd } from '../helpers/master-process.ts'

/** What one commit stored, in words: 'update instances stopping'. */
export type Stored = readonly string[]

export interface DatabaseTrap {
  readonly url: string
  /** Called before a commit is passed on, and before its answer is. What it kills hears no more. */
  witness: (stored: Stored, moment: 'before' | 'after') => void
  /** Breaks every connection. */
  cut(): void
}

/** A TCP way to a database that sees each commit with what it stores. */
export async function startDatabaseTrap(address: DatabaseSocket, onEnd: OnEnd): Promise<DatabaseTrap> {
  const sockets = new Set<Socket>()
  const trap = { witness: (() => {}) as DatabaseTrap['witness'] }
  const server = createServer((client) => {
    const upstream = connect(`${address.host}/.s.PGSQL.${socketPort}`)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    const reader = new Reader()
    let committing: Stored | undefined
    client.on('data', (data: Buffer) => {
      reader.take(data, (stored) => {
        committing = stored
        trap.witness(stored, 'before')
      })
      if (!client.destroyed) upstream.write(data)
    })
    upstream.on('data', (data: Buffer) => {
      if (committing && data.includes('COMMIT\0')) {
        const stored = committing
        committing = undefined
        trap.witness(stored, 'after')
      }
      if (!client.destroyed) client.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onEnd(async () => {
    cut()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  const url = `postgres://${address.user}@127.0.0.1:${port}/${address.database}`
  return Object.assign(trap, { url, cut })
}

/** Reads what a client of PostgreSQL sends: 'P' is a statement, 'B' its values, 'Q' a statement without any. */
class Reader {
  #rest: Buffer = Buffer.alloc(0)
  #begun = false
  #stored = new Set<string>()
  #label: string | undefined

  take(data: Buffer, committing: (stored: Stored) => void): void {
    this.#rest = Buffer.concat([this.#rest, data])
    for (;;) {
      // The first message has no letter.
      const head = this.#begun ? 1 : 0
      if (this.#rest.length < head + 4) return
      const length = head + this.#rest.readInt32BE(head)
      if (this.#rest.length < length) return
      const letter = head === 0 ? '' : String.fromCharCode(this.#rest[0]!)
      const body = this.#rest.subarray(head + 4, length)
      this.#rest = this.#rest.subarray(length)
      this.#begun = true
      this.#message(letter, body, committing)
    }
  }

  #message(letter: string, body: Buffer, committing: (stored: Stored) => void): void {
    if (letter === 'P') this.#label = labelOf(body.toString('utf8', body.indexOf(0) + 1))
    if (letter === 'B' && this.#label !== undefined)
      this.#stored.add(this.#label + stateIn(this.#label, body))
    const text = letter === 'Q' || letter === 'P' ? body.toString('latin1').replaceAll('\0', '') : ''
    if (/^(begin|start transaction|rollback)/i.test(text)) this.#stored.clear()
    if (!/^commit/i.test(text)) return
    const stored = [...this.#stored]
    this.#stored.clear()
    if (stored.length > 0) committing(stored)
  }
}

function labelOf(statement: string): string | undefined {
  const found = /^\s*(insert into|update|delete from) "(\w+)"/.exec(statement)
  if (!found) return undefined
  const [, verb, table] = found
  // Every few seconds a master looks for what another one has left.
  if (statement.includes('from "masters"')) return undefined
  return ignored.has(table!) ? undefined : `${verb!.split(' ')[0]} ${table}`
}

function stateIn(label: string, values: Buffer): string {
  if (!label.endsWith(' instances')) return ''
  const state = states.find((one) => values.includes(one))
  return state === undefined ? ' credential' : ` ${state}`
}

const states = [
  'requested',
  'starting',
  'sealing',
  'attached',
  'busy',
  'resetting',
  'parking',
  'parked',
  'stopping',
  'gone',
]
/** What happens by the clock and has nothing to do with the life of an instance. */
const ignored = new Set(['masters', 'cluster', 'workers', 'builders', 'migrations'])
