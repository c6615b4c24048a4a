import pg from 'pg'
import { systemClock } from '../util/clock.ts'
import { clientConfig, type DatabaseAddress } from './database-address.ts'

export interface DedicatedConnection {
  readonly client: pg.Client
  /** Aborted when the connection is gone, whoever ended it. */
  readonly ended: AbortSignal
  /** Never rejects. */
  close(): Promise<void>
}

/**
 * A connection outside the pool, for what belongs to one session: LISTEN and advisory locks. Queries have 10 s.
 * The signal ends the connecting only.
 */
export async function openDedicatedConnection(
  address: DatabaseAddress,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<DedicatedConnection> {
  signal.throwIfAborted()
  const client = new pg.Client({ ...clientConfig(address, name), query_timeout: queryTimeout })
  const ended = new AbortController()
  client.on('error', (error) => ended.abort(error))
  client.once('end', () => ended.abort(new Error('the connection to the database ended')))
  const close = () => endSoon(client, ended.signal)
  const aborted = rejectionOf(signal)
  try {
    await Promise.race([client.connect(), aborted.promise])
  } catch (error) {
    await close()
    throw error
  } finally {
    aborted.release()
  }
  return { client, ended: ended.signal, close }
}

function rejectionOf(signal: AbortSignal): { promise: Promise<never>; release: () => void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', abort)
  return { promise, release: () => signal.removeEventListener('abort', abort) }
}

// A server that cannot be reached any more never confirms the end; it notices by itself later.
async function endSoon(client: pg.Client, ended: AbortSignal): Promise<void> {
  void client.end()
  await systemClock.sleep(endPatience, ended).catch(() => {})
}

const queryTimeout = 10_000
const endPatience = 2_000
