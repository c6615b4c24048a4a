import type { Logger } from 'pino'
import type { DatabaseSocket } from '../database-address.ts'
import type { PostgresAccount } from './postgres-account.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

/** One embedded database and how its server is run. */
export interface ServerSetup {
  /** Absolute, without symbolic links: `<dataDir>/postgres`. */
  readonly folder: string
  readonly logFile: string
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount
  /** As in postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>
  readonly log: Logger
  readonly progress: (sentence: string) => void
}

export interface RunningServer {
  readonly pid: number
  readonly address: DatabaseSocket
  /** False when it ran already. */
  readonly launched: boolean
}

/** None of the master's secrets, and none of the PG* variables that would change what a command does. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
}

export function addressOf(socketFolder: string): DatabaseSocket {
  return { host: socketFolder, user: 'rouse', database: 'rouse' }
}

/** Milliseconds between looks at a server that starts or stops. */
export const pollInterval = 20
