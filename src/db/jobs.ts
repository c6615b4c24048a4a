import type pg from 'pg'
import { PgBoss } from 'pg-boss'
import type { Logger } from 'pino'
import { messageOf, RouseError } from '../model/errors.ts'

export interface JobsOptions {
  readonly pool: pg.Pool
  readonly log: Logger
  /** No other master can be alive on this database: what one was working on is free at once. */
  readonly only: boolean
}

export interface QueueOptions {
  /** Keys that are worked on side by side in this process. */
  readonly concurrency: number
  /** Resolves with the time at which the key is to be looked at again; undefined: when it is woken. */
  readonly work: (key: string, signal: AbortSignal) => Promise<Date | undefined>
}

/**
 * Durable alarms for all masters of a database: a key of a queue is worked on by one master at a time, at once or at a time to come.
 * A job only wakes; what is to be done stands in tables of ours, so that one that runs twice, or late, does no harm. One whose
 * master was killed is taken up within a minute.
 */
export class Jobs {
  readonly #boss: PgBoss
  readonly #log: Logger
  readonly #only: boolean
  readonly #workers = new Map<string, string>()
  readonly #closing = new AbortController()

  static async open({ log, only, pool }: JobsOptions): Promise<Jobs> {
    const boss = new PgBoss({
      db: { executeSql: (text, values) => pool.query(text, values as unknown[]) },
      schema: 'jobs',
      schedule: false,
      superviseIntervalSeconds: 10,
      monitorIntervalSeconds: 10,
    })
    const say = saidOnce(log)
    boss.on('error', (error) => say(messageOf(error)))
    boss.on('warning', ({ message }) => say(message))
    try {
      await boss.start()
    } catch (error) {
      throw new RouseError('ROUSE_DATABASE_FAILED', `the schema "jobs" cannot be used: ${messageOf(error)}`, {
        cause: error,
        advice: "Let the database's user create schemas: grant create on database NAME to USER.",
      })
    }
    return new Jobs(boss, log, only)
  }

  private constructor(boss: PgBoss, log: Logger, only: boolean) {
    this.#boss = boss
    this.#only = only
    this.#log = log
  }

  /** Works on the queue's keys from now on, until closed. */
  async work(queue: string, { concurrency, work }: QueueOptions): Promise<void> {
    await this.#boss.createQueue(queue, {
      policy: 'stately',
      heartbeatSeconds: 20,
      expireInSeconds: 900,
      retryLimit: 1_000_000,
      retryDelay: 5,
      retryBackoff: true,
      retryDelayMax: 300,
      deleteAfterSeconds: 60,
    })
    if (this.#only) await this.#release(queue)
    const options = { localConcurrency: concurrency, pollingIntervalSeconds: 2 }
    const id = await this.#boss.work<{ key: string }>(queue, options, async ([job]) => {
      const { key } = job!.data
      try {
        const again = await work(key, AbortSignal.any([job!.signal, this.#closing.signal]))
        if (again) await this.#send(queue, key, again)
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#log.error({ err: error, queue, key }, 'a job failed')
        throw error
      }
    })
    this.#workers.set(queue, id)
  }

  /** Has the key worked on at once, or at a time; of several times the first one counts. */
  async wake(queue: string, key: string, at?: Date): Promise<void> {
    const sent = await this.#send(queue, key, at)
    if (at) return
    if (!sent)
      await this.#boss.update({ name: queue, options: { singletonKey: key, startAfter: new Date() } })
    const worker = this.#workers.get(queue)
    if (worker !== undefined) this.#boss.notifyWorker(worker)
  }

  /** Begins nothing more, gives what runs some seconds, and aborts it then: another master, or the next start, takes it up. */
  async close(): Promise<void> {
    const giveUp = setTimeout(() => this.#closing.abort(new Error('the master is stopping')), patience)
    try {
      await this.#boss.stop({ graceful: true, timeout: patience + 2000, close: false })
    } finally {
      clearTimeout(giveUp)
      this.#closing.abort(new Error('the master is stopping'))
    }
  }

  /** Has the keys worked on that a master had when it was killed. */
  async #release(queue: string): Promise<void> {
    for (const { data, id, state } of await this.#boss.findJobs<{ key: string }>(queue)) {
      if (state !== 'active') continue
      await this.#boss.deleteJob(queue, id)
      await this.#send(queue, data.key)
    }
  }

  // False: it is to be worked on already.
  async #send(queue: string, key: string, at?: Date): Promise<boolean> {
    const options = { singletonKey: key, ...(at ? { startAfter: at } : {}) }
    return (await this.#boss.send(queue, { key }, options)) !== null
  }
}

/** While the database is away every look for a job fails with the same words. */
function saidOnce(log: Logger): (message: string) => void {
  let last = ''
  let at = 0
  return (message) => {
    if (message === last && Date.now() < at + sameWords) return
    last = message
    at = Date.now()
    log.warn(`jobs: ${message}`)
  }
}

/** Milliseconds. */
const patience = 5000
const sameWords = 60_000
