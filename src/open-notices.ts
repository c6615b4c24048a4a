import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { EventLog } from './builds/event-log.ts'
import type { MasterSettings } from './config/master-settings.ts'
import type { GroupCommit } from './db/group-commit.ts'
import type { OpenDatabase } from './db/connection.ts'
import { Jobs } from './db/jobs.ts'
import type { Database } from './db/schema.ts'
import { MissingWatch } from './fleet/missing-watch.ts'
import { messageOf } from './model/errors.ts'
import { LoadedFacts } from './reporters/load-facts.ts'
import { defaultMailNotifier } from './reporters/mail/default-mail-notifier.ts'
import { noticeQueue, Outbox } from './reporters/outbox.ts'
import type { ReporterDescription } from './reporters/reporter-description.ts'
import type { Site } from './reporters/reporter.ts'
import { retryNotice } from './reporters/retry-notice.ts'
import type { Clock } from './util/clock.ts'
import { workerSpec } from './worker-spec.ts'

interface OpenNoticesOptions {
  readonly db: Kysely<Database>
  readonly pool: OpenDatabase['pool']
  /** No other master can be alive on this database. */
  readonly only: boolean
  readonly commit: GroupCommit
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventLog
  readonly master: { readonly id: string }
  readonly cluster: string
  readonly artifactPath: (path: string) => string
  /** As they are now: a reconfig replaces them. */
  readonly settings: () => MasterSettings
  /** Where the page is when the config names no public address. */
  readonly pageUrl: () => string
}

export interface Notices {
  /** Takes over the config's reporters and looks for missing workers; builds may run before. */
  configure(settings: MasterSettings): Promise<void>
  retry(id: number): Promise<void>
  /** Gives what is being sent some seconds; the next master sends the rest. Safe to call twice. */
  close(): Promise<void>
}

/** Missing workers and the outbox, with the alarms that wake them. */
export async function openNotices(options: OpenNoticesOptions): Promise<Notices> {
  const { clock, commit, db, events, log, only, pageUrl, pool, settings } = options
  const publish = (event: Parameters<EventLog['publish']>[0]) => void events.publish(event)
  const site = (): Site => ({ title: settings().title, url: settings().url ?? slashed(pageUrl()) })
  const facts = new LoadedFacts({
    db,
    artifactPath: options.artifactPath,
    config: () => ({ builders: settings().builders, workers: settings().workers.map(withRecipients) }),
  })
  const jobs = await Jobs.open({ pool, log, only })
  const secret = (name: string) => settings().secretValue(name)
  const outbox = new Outbox({ ...options, publish, jobs, facts, site, secret })
  const missing = new MissingWatch({
    db,
    commit,
    clock,
    log,
    publish,
    workers: () => settings().workers.map(workerSpec),
    buildersOf: (worker) =>
      settings()
        .builders.filter(({ workers }) => workers.includes(worker))
        .map(({ name }) => name),
  })
  const look = () =>
    void jobs
      .wake(missingQueue, 'all')
      .catch((error: unknown) => log.warn(`missing workers are looked for later: ${messageOf(error)}`))
  await outbox.configure(openAll(settings(), site()))
  await jobs.work(noticeQueue, { concurrency: 4, work: (name, signal) => outbox.work(name, signal) })
  await jobs.work(missingQueue, { concurrency: 1, work: () => missing.check() })
  const unsubscribe = events.subscribe((event) => {
    outbox.heard(event)
    if (event.type !== 'worker.missing' && /^(worker|instance)\./.test(event.type)) look()
  })
  const loops = new AbortController()
  const watching = outbox.watch(loops.signal)
  look()
  let closing: Promise<void> | undefined
  const close = async () => {
    unsubscribe()
    loops.abort()
    await jobs.close()
    await watching
    await outbox.close()
  }
  return {
    close: () => (closing ??= close()),
    configure: async (wanted) => {
      await outbox.configure(openAll(wanted, site()))
      look()
    },
    retry: async (id) => {
      await commit.write((trx) => retryNotice(trx, id))
      outbox.soon()
    },
  }
}

function openAll({ reporters }: MasterSettings, site: Site) {
  return withDefault(reporters, site).map(({ name, open, options }) => open(options, name))
}

/** Mails of missing workers go out in any case. */
function withDefault(reporters: readonly ReporterDescription[], site: Site): readonly ReporterDescription[] {
  if (reporters.some(({ kind }) => kind === 'mail')) return reporters
  const standard = defaultMailNotifier(site)
  const isTaken = reporters.some(({ name }) => name === standard.name)
  return [...reporters, isTaken ? { ...standard, name: 'missing-workers' } : standard]
}

function withRecipients(worker: MasterSettings['workers'][number]) {
  const { kind, name } = worker
  return { kind, name, notifyOnMissing: worker.kind === 'local' ? [] : worker.notifyOnMissing }
}

function slashed(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

const missingQueue = 'missing-workers'
