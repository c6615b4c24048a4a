import type { Logger } from 'pino'
import type { MasterSettings } from './config/master-settings.ts'
import type { DatabaseAddress } from './db/database-address.ts'
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { messageOf } from './model/errors.ts'
import type { Releasers } from './util/releasers.ts'

/** Where the database is; the embedded server is started first. */
export async function openServer(
  { database, dataDir }: MasterSettings,
  o: {
    log: Logger
    progress: (doing: string) => void
    signal: AbortSignal
    onLost: (reason: string) => void
  },
  releasers: Releasers,
): Promise<DatabaseAddress> {
  if (database.kind === 'url') return { url: database.url.value }
  const onLost = (error: unknown) => o.onLost(messageOf(error))
  const server = await startEmbeddedPostgres({
    dataDir,
    log: o.log,
    progress: o.progress,
    signal: o.signal,
    onLost,
  })
  releasers.add('PostgreSQL', () => server.stop())
  return server.address
}
