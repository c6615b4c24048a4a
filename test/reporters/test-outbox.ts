import pino from 'pino'
import { onTestFinished } from 'vitest'
import { GroupCommit } from '../../src/db/group-commit.ts'
import { Jobs } from '../../src/db/jobs.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { noteWorker } from '../../src/db/store-notice.ts'
import { LoadedFacts } from '../../src/reporters/load-facts.ts'
import { noticeQueue, Outbox } from '../../src/reporters/outbox.ts'
import type { Message, Receipt, Reporter } from '../../src/reporters/reporter.ts'
import { systemClock, type Clock } from '../../src/util/clock.ts'
import type { TestDatabase } from '../helpers/database.ts'

/** A reporter that hands what it is to send to the test. */
export class EarReporter implements Reporter {
  readonly kind = 'ear'
  readonly name: string
  readonly interest = { events: ['worker.missing' as const] }
  readonly sent: Message[] = []
  /** What becomes of the next message; default: it arrives. */
  answer: (message: Message, signal: AbortSignal) => Promise<Receipt | void> = async () => {}
  compose: Reporter['compose'] = async (event) => [
    { target: 'bob', subject: `about ${'worker' in event ? event.worker : '?'}`, content: { event } },
  ]

  constructor(name = 'ear') {
    this.name = name
  }

  async send(message: Message, { signal }: { signal: AbortSignal }): Promise<Receipt | void> {
    this.sent.push(message)
    return await this.answer(message, signal)
  }
}

/** The outbox of a master over a real database. */
export async function openOutbox(
  { db, pool }: TestDatabase,
  reporters: readonly Reporter[],
  clock: Clock = systemClock,
) {
  const log = pino({ level: 'silent' })
  const commit = new GroupCommit(db, { log })
  const { id } = await registerMaster(db, { host: 'here', pid: 1, version: '0', only: true })
  const jobs = await Jobs.open({ pool, log, only: false })
  const facts = new LoadedFacts({
    db,
    artifactPath: (path) => path,
    config: () => ({ workers: [], builders: [] }),
  })
  const site = () => ({ title: 'Test', url: 'http://127.0.0.1:8010/' })
  const publish = () => {}
  const secret = () => 'swordfish'
  const outbox = new Outbox({
    master: { id },
    db,
    commit,
    jobs,
    clock,
    log,
    facts,
    site,
    publish,
    secret,
    cluster: 'c1',
  })
  await outbox.configure(reporters)
  await jobs.work(noticeQueue, { concurrency: 4, work: (name, signal) => outbox.work(name, signal) })
  const loops = new AbortController()
  const watching = outbox.watch(loops.signal)
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= (async () => {
      loops.abort()
      await jobs.close()
      await watching
      await outbox.close()
      await commit.close()
    })())
  onTestFinished(close)
  /** Something happens; every reporter is told. */
  const happens = async (worker: string) => {
    const event = { type: 'worker.missing' as const, worker, since: '', reason: 'away', builds: [] }
    const at = new Date()
    await commit.write((trx) => noteWorker(trx, { ...event, lastAddress: null, lastSeenAt: null }, at))
    outbox.heard({ type: 'worker.missing' })
  }
  return { outbox, commit, happens, close }
}
