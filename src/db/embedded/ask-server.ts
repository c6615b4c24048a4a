import pg from 'pg'
import { RouseError } from '../../model/errors.ts'
import { codeOf, describeFailure, isConnectionFailure } from '../connection-failure.ts'
import { clientConfig, type DatabaseSocket } from '../database-address.ts'

/** ready: takes queries. busy: starts, stops, or is too slow to answer. silent: nobody listens on the socket. */
export type ServerAnswer = 'ready' | 'busy' | 'silent'

/** Tries to connect; makes the database on the first time. */
export async function askServer(address: DatabaseSocket, signal: AbortSignal): Promise<ServerAnswer> {
  signal.throwIfAborted()
  try {
    await query(address, 'select 1')
    return 'ready'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'silent'
    if (code === noSuchDatabase) return await createDatabase(address)
    if (isConnectionFailure(error)) return 'busy'
    const message = `the embedded PostgreSQL refuses the connection: ${describeFailure(error)}`
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', message, { cause: error })
  }
}

async function createDatabase(address: DatabaseSocket): Promise<ServerAnswer> {
  try {
    await query(
      { ...address, database: 'postgres' },
      `create database ${pg.escapeIdentifier(address.database)}`,
    )
    return 'ready'
  } catch (error) {
    // Or another master made it in this moment.
    if ([duplicateDatabase, uniqueViolation].includes(codeOf(error) ?? '')) return 'ready'
    if (isConnectionFailure(error)) return 'busy'
    throw error
  }
}

async function query(address: DatabaseSocket, text: string): Promise<void> {
  const client = new pg.Client({ ...clientConfig(address, 'rouse start'), query_timeout: queryTimeout })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end()
  }
}

const queryTimeout = 30_000
const noSuchDatabase = '3D000'
const duplicateDatabase = '42P04'
const uniqueViolation = '23505'
