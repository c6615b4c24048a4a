import { sql, type Kysely } from 'kysely'
import type { Logger } from 'pino'
import { backoff } from '../util/backoff.ts'
import { systemClock, type Clock } from '../util/clock.ts'
import type { DatabaseAddress } from './database-address.ts'
import { openDedicatedConnection } from './dedicated-connection.ts'
import type { Database } from './schema.ts'

export interface ListenOptions {
  readonly address: DatabaseAddress
  readonly channel: string
  /** Called with the payload of each notification, in order. */
  readonly onNotify: (payload: string) => void
  /** Called each time listening begins, also after a reconnect: read everything now, what was sent before is lost. */
  readonly onListening: () => void
  readonly log: Logger
  readonly signal: AbortSignal
  readonly clock?: Clock
}

/** Listens on a connection of its own, and connects again when it is lost, until the signal is aborted. Never rejects. */
export async function listen(options: ListenOptions): Promise<void> {
  const { channel, log, signal, clock = systemClock } = options
  let failures = 0
  while (!signal.aborted) {
    try {
      await listenOnce(options, clock, () => (failures = 0))
    } catch (error) {
      if (signal.aborted) return
      log.warn(
        { err: error, channel },
        'lost the connection that listens for notifications; connecting again',
      )
    }
    await clock.sleep(backoff(failures++, { initial: 100, max: 10_000 }), signal).catch(() => {})
  }
}

/** Sent when the transaction commits. The payload is at most 7,999 bytes: send ids, not contents. */
export async function notify(db: Kysely<Database>, channel: string, payload: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`.execute(db)
}

async function listenOnce(options: ListenOptions, clock: Clock, onConnected: () => void): Promise<void> {
  const { address, channel, onNotify, onListening, log, signal } = options
  const { client, ended, close } = await openDedicatedConnection(address, { name: 'rouse listen', signal })
  try {
    client.on('notification', ({ payload }) => guarded(log, () => onNotify(payload ?? '')))
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    onConnected()
    guarded(log, onListening)
    // A server that vanished without a word shows only when it is asked.
    const over = AbortSignal.any([ended, signal])
    for (;;) {
      await clock.sleep(checkInterval, over)
      await client.query('select 1')
    }
  } finally {
    await close()
  }
}

function guarded(log: Logger, call: () => void): void {
  try {
    call()
  } catch (error) {
    log.error({ err: error }, 'a listener for notifications failed')
  }
}

const checkInterval = 30_000
