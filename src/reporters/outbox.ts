import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { storeSurely } from '../builds/store-surely.ts'
import type { GroupCommit, Work } from '../db/group-commit.ts'
import type { Jobs } from '../db/jobs.ts'
import type { NoticeError } from '../db/notice-tables.ts'
import type { Database } from '../db/schema.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import type { EventBody, EventType } from '../model/events.ts'
import type { Clock } from '../util/clock.ts'
import { withDeadline } from '../util/with-deadline.ts'
import { DeliveryError } from './delivery-error.ts'
import { afterFailure } from './delivery-rules.ts'
import type { Facts } from './facts.ts'
import {
  dueNotices,
  nextNotice,
  releaseClaims,
  storeDrafts,
  storeFailure,
  storeSent,
  takeTurn,
  type NoticeRow,
} from './notice-rows.ts'
import type { Draft, Receipt, Reporter, Site } from './reporter.ts'
import { syncReporters } from './sync-reporters.ts'
import { tidyNotices } from './tidy-notices.ts'

interface OutboxOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly jobs: Pick<Jobs, 'wake'>
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
  readonly facts: Facts
  readonly site: () => Site
  readonly master: { readonly id: string }
  /** Stamps the ids of messages. */
  readonly cluster: string
  readonly secret: (name: string) => string
}

/**
 * Tells people and services what has happened. Each notice is a row, written with what caused it; here its messages are composed
 * and sent, each tried until it has arrived, is refused, or is too old. A target that is away holds up no other.
 *
 *     new ──composed──► waiting ⇄ being sent ──► sent
 *      └─ nobody wants it: removed  └──► failed: refused, or tried for a day; dropped: too old, or a newer one says it
 */
export class Outbox {
  readonly #o: OutboxOptions
  #reporters: ReadonlyMap<string, Reporter> = new Map()
  #looking: Promise<void> | undefined
  #lookAgain = false

  constructor(options: OutboxOptions) {
    this.#o = options
  }

  /** Takes over the config's reporters. What waits for one that is gone is dropped, with a record. */
  async configure(reporters: readonly Reporter[]): Promise<void> {
    const old = this.#reporters
    await this.#o.commit.write((trx) => syncReporters(trx, reporters))
    this.#reporters = new Map(reporters.map((reporter) => [reporter.name, reporter]))
    await closeAll(old.values(), this.#o.log)
    this.soon()
  }

  /** Something has happened that may have been noted. */
  heard({ type }: { readonly type: EventType }): void {
    const isOf = (room: string) => type.startsWith(`${room}.`)
    const wants = (room: string) => (event: string) => event.startsWith(`${room}.`)
    const rooms = isOf('worker') ? ['worker'] : isOf('request') || isOf('build') ? builds : []
    for (const { interest } of this.#reporters.values())
      if (rooms.some((room) => interest.events.some(wants(room)))) return this.soon()
  }

  /** Something was noted: has it sent. */
  soon(): void {
    if (this.#looking) this.#lookAgain = true
    else this.#looking = this.#look()
  }

  /** Looks again and again for what is due and known to nobody, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o
    while (!signal.aborted) {
      await this.#tidy()
      this.soon()
      await clock.sleep(lookAgain, signal).catch(() => {})
    }
    await this.#looking
  }

  /** Sends what is due of one reporter. Resolves with the time at which more is. */
  async work(name: string, signal: AbortSignal): Promise<Date | undefined> {
    const { clock, db } = this.#o
    const reporter = this.#reporters.get(name)
    // Another master's config has it.
    if (!reporter) return undefined
    const until = clock.now() + longestWork
    while (!signal.aborted && clock.now() < until) {
      const due = await dueNotices(db, name, new Date(clock.now()))
      if (due.length === 0) break
      for (let i = 0; i < due.length && !signal.aborted; i += sideBySide)
        await all(due.slice(i, i + sideBySide).map((id) => this.#attend(reporter, id, signal)))
    }
    return await nextNotice(db, name)
  }

  async close(): Promise<void> {
    await this.#looking
    await closeAll(this.#reporters.values(), this.#o.log)
  }

  async #tidy(): Promise<void> {
    const { clock, db, log } = this.#o
    try {
      await releaseClaims(db)
      await tidyNotices(db, new Date(clock.now()))
    } catch (error) {
      log.warn(`notices could not be tidied: ${messageOf(error)}`)
    }
  }

  async #look(): Promise<void> {
    const { clock, db, jobs, log } = this.#o
    do {
      // What comes together is looked at together.
      await clock.sleep(gathering)
      this.#lookAgain = false
      try {
        for (const name of this.#reporters.keys())
          if ((await dueNotices(db, name, new Date(clock.now()))).length > 0)
            await jobs.wake(noticeQueue, name)
      } catch (error) {
        log.warn(`notices wait: ${messageOf(error)}`)
      }
    } while (this.#lookAgain)
    this.#looking = undefined
  }

  async #attend(reporter: Reporter, id: number, signal: AbortSignal): Promise<void> {
    const turn = await this.#o.commit.write((trx) =>
      takeTurn(trx, id, { master: this.#o.master.id, now: this.#now }),
    )
    if (turn?.do === 'compose') await this.#compose(reporter, turn.row, signal)
    if (turn?.do === 'send') await this.#send(reporter, turn.row, signal)
    this.#o.publish({ type: 'notice.changed', notice: id, reporter: reporter.name })
  }

  async #compose(reporter: Reporter, row: NoticeRow, signal: AbortSignal): Promise<void> {
    const { clock, facts, site } = this.#o
    try {
      const drafts = await withDeadline(
        (own) => reporter.compose(row.event, { facts, site: site(), signal: own }),
        { clock, ms: composeDeadline, signal },
      )
      const storable = drafts.map(storableDraft)
      await this.#store((trx) => storeDrafts(trx, row, storable), signal)
    } catch (error) {
      await this.#failed(row, row.attempts + 1, error, signal)
    }
  }

  async #send(reporter: Reporter, row: NoticeRow, signal: AbortSignal): Promise<void> {
    const { clock, cluster, facts, secret, site } = this.#o
    // The rest of a message goes under the same id.
    const key = row.key.replace(/( rest)+$/, '')
    const message = {
      id: `${cluster}.${Buffer.from(key).toString('base64url')}`,
      target: row.target!,
      subject: row.subject!,
      content: row.content,
      createdAt: row.created_at,
      attempt: row.attempts,
      ...(row.lane === null ? {} : { lane: row.lane }),
    }
    let receipt: Receipt | void
    try {
      receipt = await withDeadline(
        (own) => reporter.send(message, { facts, site: site(), secret, signal: own }),
        { clock, ms: sendDeadline, signal },
      )
    } catch (error) {
      return await this.#failed(row, row.attempts, error, signal)
    }
    const { note, rest } = receipt ?? {}
    const next = new Date(clock.now() + restPause)
    const done = { now: this.#now, next, note, rest: rest && storableDraft(rest) }
    await this.#store((trx) => storeSent(trx, row, done), signal)
  }

  async #failed(row: NoticeRow, attempts: number, error: unknown, signal: AbortSignal): Promise<void> {
    // Cut off by the end of this master: nobody's fault, and tried again.
    if (signal.aborted) return
    const { clock, log } = this.#o
    const now = clock.now()
    const worth = error instanceof DeliveryError ? error : new DeliveryError(messageOf(error))
    const next = afterFailure({ now, attempts, expiresAt: row.expires_at.getTime(), error: worth })
    const shown = shownError(error)
    const { reporter, target } = row
    const outcome = next.state === 'failed' ? 'is given up' : 'is tried again'
    log.warn({ reporter, target, attempts, ...shown }, `a notice could not be sent, and ${outcome}`)
    await this.#store(
      (trx) => storeFailure(trx, row, { attempts, error: shown, next, now: new Date(now) }),
      signal,
    )
  }

  // It has happened outside: not to know it would have it done again.
  async #store<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
    return await storeSurely(work, this.#o, signal)
  }

  get #now(): Date {
    return new Date(this.#o.clock.now())
  }
}

/** Waits for every one, also when one fails: nothing goes on behind the back of who has asked. */
async function all(works: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works))
    if (outcome.status === 'rejected') throw outcome.reason
}

/** Throws when it cannot be stored. */
function storableDraft({ content, lane, subject, target }: Draft): Draft {
  const json = JSON.stringify(content ?? null)
  if (Buffer.byteLength(json) > longestContent)
    throw new DeliveryError(`the message is longer than ${longestContent} bytes`, { worth: 'never' })
  return {
    target: plain(target).slice(0, 500),
    subject: plain(subject).slice(0, 500),
    content: JSON.parse(json.replaceAll('\\u0000', '\\ufffd')),
    ...(lane === undefined ? {} : { lane: plain(lane).slice(0, 1000) }),
  }
}

function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim()
}

function shownError(error: unknown): NoticeError {
  const message = plain(messageOf(error)).slice(0, 2000)
  const advice =
    error instanceof DeliveryError || error instanceof RouseError ? (error.advice ?? undefined) : undefined
  return advice === undefined ? { message } : { message, advice: plain(advice).slice(0, 1000) }
}

async function closeAll(reporters: Iterable<Reporter>, log: Logger): Promise<void> {
  for (const reporter of reporters)
    await reporter.close?.().catch((error: unknown) => log.warn(`${reporter.name}: ${messageOf(error)}`))
}

const builds = ['request', 'build', 'buildset']
/** Keys are names of reporters. */
export const noticeQueue = 'notices'
/** Messages of one reporter. */
const sideBySide = 4
/** Milliseconds. */
const gathering = 50
const lookAgain = 30_000
const longestWork = 300_000
const composeDeadline = 30_000
const sendDeadline = 60_000
const restPause = 60_000
const longestContent = 1_048_576
