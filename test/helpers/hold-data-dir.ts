// A process for tests to kill: runs an embedded PostgreSQL as a master does, and says when it is there.
import pino from 'pino'
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'
import { testSettings } from './test-settings.ts'

const log = pino({ level: 'silent' })
const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2]!, log, settings: testSettings })
process.on('SIGTERM', () => void postgres.stop().then(() => process.exit(0)))
console.log(postgres.pid)
setInterval(() => {}, 60_000)
