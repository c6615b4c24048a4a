import pg from 'pg'
import pino from 'pino'
import { Jobs } from '../../src/db/jobs.ts'

/** A master that has taken a job and does not end it: `node hold-job.ts URL QUEUE` says 'taken'. */
const [url, queue] = process.argv.slice(2)
const jobs = await Jobs.open({
  pool: new pg.Pool({ connectionString: url! }),
  log: pino({ level: 'silent' }),
  only: false,
})
await jobs.work(queue!, {
  concurrency: 1,
  work: () => {
    process.stdout.write('taken\n')
    return new Promise(() => {})
  },
})
await jobs.wake(queue!, 'k')
