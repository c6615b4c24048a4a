import pg from 'pg'
import { RouseError } from '../model/errors.ts'

/** Where a database is: a postgres:// URL, or the folder of a Unix socket that lets its owner in without a password. */
export type DatabaseAddress = { readonly url: string } | DatabaseSocket

export interface DatabaseSocket {
  /** Absolute path of the folder that holds `.s.PGSQL.5432`. */
  readonly host: string
  readonly user: string
  readonly database: string
}

/** What every connection of ours has in common. Throws ROUSE_DATABASE_FAILED when the URL is none. */
export function clientConfig(address: DatabaseAddress, applicationName = 'rouse'): pg.ClientConfig {
  checkUrl(address)
  return {
    ...('url' in address ? { connectionString: address.url } : { ...address, port: socketPort, ssl: false }),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
    types,
  }
}

/** The address as it may be shown and logged: never with a password. */
export function describeAddress(address: DatabaseAddress): string {
  if (!('url' in address)) return `${address.database} at ${address.host}`
  const { protocol, username, host, pathname } = checkUrl(address)!
  return `${protocol}//${username && `${username}@`}${host}${pathname}`
}

// The URL is not repeated in the message, nor kept as cause: it may hold a password.
function checkUrl(address: DatabaseAddress): URL | undefined {
  if (!('url' in address)) return undefined
  const url = URL.parse(address.url)
  if (url && /^postgres(ql)?:$/.test(url.protocol)) return url
  throw new RouseError('ROUSE_DATABASE_FAILED', 'the address of the database is not a postgres:// URL', {
    advice: "Write it as 'postgres://user:password@host:5432/name'; percent-encode special characters.",
  })
}

// Bigints come as numbers: ids and byte counts stay far below 2^53.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

/** The number in the socket's name; nothing listens on TCP. */
export const socketPort = 5432

const connectTimeout = 10_000
