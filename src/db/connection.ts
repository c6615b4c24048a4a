import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Logger } from 'pino'
import { RouseError } from '../model/errors.ts'
import { systemClock } from '../util/clock.ts'
import { codeOf, describeFailure } from './connection-failure.ts'
import { clientConfig, describeAddress, type DatabaseAddress } from './database-address.ts'
import type { Database } from './schema.ts'

export interface OpenDatabaseOptions {
  readonly address: DatabaseAddress
  readonly log: Logger
  /** Most connections at once. Default 10. */
  readonly poolSize?: number
  /** Milliseconds after which a statement fails; 0: never. Default 60 s. */
  readonly statementTimeout?: number
  /** Milliseconds after which a server that does not answer at all is given up. Default 15 s more than that. */
  readonly answerTimeout?: number
  readonly signal?: AbortSignal
}

export interface OpenDatabase {
  readonly address: DatabaseAddress
  readonly db: Kysely<Database>
  readonly pool: pg.Pool
  /** Waits for what runs, then closes every connection. */
  close(): Promise<void>
}

/** Connects, and waits up to a minute while the server says that it is starting up. Throws ROUSE_DATABASE_FAILED. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenDatabase> {
  const { address, log, poolSize = 10, statementTimeout = 60_000 } = options
  const pool = new pg.Pool({
    ...clientConfig(address),
    Client: ImpatientClient,
    max: poolSize,
    // What one transaction asks for at once travels at once: see GroupCommit.
    pipeline: true,
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: idleInTransactionTimeout,
    query_timeout: options.answerTimeout ?? (statementTimeout && statementTimeout + 15_000),
  })
  // The error carries the whole client with it, which is nothing for a log.
  pool.on('error', (error) => log.warn(`a database connection was lost: ${describeFailure(error)}`))
  // The pool listens only while a client is idle; without this one a cut transaction would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))

  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    await firstAnswer(db, log, options.signal)
  } catch (error) {
    await db.destroy()
    if (options.signal?.aborted) throw options.signal.reason
    const message = `cannot connect to ${describeAddress(address)}: ${describeFailure(error)}`
    throw new RouseError('ROUSE_DATABASE_FAILED', message, { cause: error })
  }
  return { address, db, pool, close: () => db.destroy() }
}

async function firstAnswer(db: Kysely<Database>, log: Logger, signal?: AbortSignal): Promise<void> {
  const deadline = systemClock.now() + startupPatience
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    try {
      await sql`select 1`.execute(db)
      return
    } catch (error) {
      if (codeOf(error) !== cannotConnectNow || systemClock.now() > deadline) throw error
      if (attempt === 0) log.info('the database is starting up; waiting for it')
      await systemClock.sleep(100, signal)
    }
  }
}

// pg leaves a client whose query timed out in the pool with that query still in flight; end() cuts such a client off.
class ImpatientClient extends pg.Client {
  override query(...args: unknown[]): never {
    const result: unknown = Reflect.apply(super.query, this, args)
    if (result instanceof Promise) {
      result.catch((error: unknown) => {
        if (error instanceof Error && error.message === 'Query read timeout') void this.end()
      })
    }
    return result as never
  }
}

const idleInTransactionTimeout = 60_000
const startupPatience = 60_000
const cannotConnectNow = '57P03'
