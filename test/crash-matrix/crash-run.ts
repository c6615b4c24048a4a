import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { TestDatabase } from '../helpers/database.ts'
import { launchMaster, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { startDatabaseTrap } from './database-trap.ts'
import type { Provider } from './provider.ts'

/** Where a master or its provider is killed: at the n-th time that this happens. */
export interface CrashPoint {
  /** 'store update instances busy', 'call start'. */
  readonly what: string
  readonly nth: number
  readonly when: 'before' | 'after'
  /** Default: the master. */
  readonly who?: 'provider'
}

export interface CrashOutcome {
  /** False: the run never came to that point. */
  readonly reached: boolean
  /** Everything that the first master did, in order: each commit with what it stored, each call. */
  readonly points: readonly (readonly string[])[]
  /** Whether the provider's own service can be killed. */
  readonly crashes: boolean
  /** What is wrong at the end; empty: nothing. */
  readonly mistakes: readonly string[]
}

interface CrashRunOptions {
  readonly database: TestDatabase
  readonly provider: Provider
  readonly onEnd: OnEnd
  /** None: nobody is killed. */
  readonly point?: CrashPoint
}

/**
 * One life cycle of an instance with one build or more, in which the master or the provider is killed at one point and started again.
 */
export async function crashRun({ database, onEnd, point, provider }: CrashRunOptions): Promise<CrashOutcome> {
  const trap = await startDatabaseTrap(database.address, onEnd)
  const points: (readonly string[])[] = []
  let master: MasterProcess | undefined
  let killed: Promise<unknown> | undefined
  const pass = (happens: readonly string[], when: 'before' | 'after') => {
    if (killed || !master) return
    if (when === 'before') points.push(happens)
    if (!point || point.when !== when || !happens.includes(point.what)) return
    if (points.filter((one) => one.includes(point.what)).length !== point.nth) return
    if (point.who === 'provider') return void (killed = provider.crash!())
    process.kill(master.pid, 'SIGKILL')
    trap.cut()
    provider.cut?.()
    killed = master.end('SIGKILL')
  }
  trap.witness = (stored, when) =>
    pass(
      stored.map((one) => `store ${one}`),
      when,
    )
  provider.witness = (operation, when) => pass([`call ${operation}`], when)

  const { patience: timeout = 60_000 } = provider
  const begun = await launchMaster({ config: configOf(provider), env: { DATABASE: trap.url } }, onEnd)
  provider.attachTo(begun)
  // Only from here on: what a start of the master stores is no part of a life cycle.
  master = begun
  await drive(database, { master, provider, over: () => killed !== undefined })
  await waitFor(
    'the kill or the end',
    async () => killed !== undefined || (await isOver(database, provider)),
    { timeout },
  )
  await killed
  if (killed && point?.who !== 'provider') {
    // Its lease would end by itself, in half a minute.
    await sql`update masters set stopped_at = now(), lease_until = now()`.execute(database.db)
    await begun.start()
    await drive(database, { master: begun, provider, over: () => false })
  }
  const over = waitFor('the end of everything', () => isOver(database, provider), { timeout })
  const late = await over.then(
    () => [],
    () => ['it did not come to its end'],
  )
  // A machine that cannot be made ready is replaced.
  const allowed = point?.who === 'provider' ? { ...provider, most: 2 } : provider
  const mistakes = [...late, ...(await mistakesOf(database, allowed, begun))]
  await begun.end('SIGTERM')
  return { reached: killed !== undefined, points, crashes: provider.crash !== undefined, mistakes }
}

interface Drive {
  readonly master: MasterProcess
  readonly provider: Provider
  /** The master was killed. */
  readonly over: () => boolean
}

/** What people ask of the master. */
async function drive({ db }: TestDatabase, { master, over, provider }: Drive): Promise<void> {
  const { builds = 1, parks = false, patience: timeout = 60_000 } = provider
  const ask = (path: string, headers = {}) =>
    insist(() => master.api(path, { method: 'POST', json: {}, headers }), over)
  const until = (what: string, isSo: () => Promise<boolean>) =>
    waitFor(what, async () => over() || (await isSo()), { timeout }).catch(() => {})
  const isDone = async (count: number) => {
    const requests = await db.selectFrom('requests').select('state').execute()
    return requests.length >= count && requests.every(({ state }) => state === 'complete')
  }
  for (let n = 1; n <= builds && !over(); n++) {
    if (parks && n > 1) await until('the machine to be parked', () => isAtRest(db, n))
    await ask('/builders/unit/force', { 'idempotency-key': `the only one, ${n}` })
  }
  if (!parks) return
  // One that was replaced has not had its builds, and would stay.
  await until('the last build', () => isDone(builds))
  await ask('/workers/dock/drain')
}

/** Again until there is an answer. */
async function insist(ask: () => Promise<unknown>, over: () => boolean): Promise<void> {
  for (let done = false; !done && !over();) {
    done = await ask().then(
      () => true,
      () => false,
    )
    if (!done) await delay(50)
  }
}

/** Whether the n-th build may be asked for: it was already, or no machine is on its way to be parked. */
async function isAtRest(db: TestDatabase['db'], n: number): Promise<boolean> {
  const requests = await db.selectFrom('requests').select('state').execute()
  if (requests.length >= n) return true
  if (requests.some(({ state }) => state !== 'complete')) return false
  const instances = await db.selectFrom('instances').select('state').execute()
  return instances.every(({ state }) => state === 'parked' || state === 'gone')
}

async function isOver({ db }: TestDatabase, provider: Provider): Promise<boolean> {
  const requests = await db.selectFrom('requests').select('state').execute()
  const instances = await db.selectFrom('instances').select('state').execute()
  return (
    requests.length === (provider.builds ?? 1) &&
    requests.every(({ state }) => state === 'complete') &&
    instances.length > 0 &&
    instances.every(({ state }) => state === 'gone') &&
    (await provider.machines()) === 0
  )
}

async function mistakesOf(
  { db }: TestDatabase,
  provider: Provider,
  master: MasterProcess,
): Promise<string[]> {
  const mistakes: string[] = []
  const expectIs = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should))
      mistakes.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`)
  }
  const requests = await db.selectFrom('requests').select(['state', 'result']).execute()
  const { builds: count = 1, most = 1 } = provider
  expectIs('requests', requests, Array(count).fill({ state: 'complete', result: 'SUCCESS' }))
  const builds = await db.selectFrom('builds').select('result').orderBy('id').execute()
  expectIs('builds', builds, Array(count).fill({ result: 'SUCCESS' }))
  expectIs('machines that are left', await provider.machines(), 0)
  if (provider.made() > most) expectIs('machines ever made', provider.made(), most)
  const trace = provider.told?.() ?? (await readFile(join(master.dir, 'trace'), 'utf8').catch(() => ''))
  const build = 'begin\nend\n'
  const first = provider.parks ? `${build}used\n` : ''
  expectIs('what the commands did', trace, first + build.repeat(provider.parks ? count - 1 : count))
  const instances = await db.selectFrom('instances').select('state').execute()
  if (instances.length > most || instances.some(({ state }) => state !== 'gone'))
    expectIs('instances', instances, [{ state: 'gone' }])
  return mistakes
}

const configOf = ({ tell = (word) => `echo ${word} >> "$TRACE"`, worker }: Provider) => `
const { defineMaster, shell } = rouse
${worker}
export default defineMaster({
  listen,
  database: process.env.DATABASE,
  sweepInterval: 1,
  workers: [worker],
  builders: [{ name: 'unit', workers: ['dock'], steps: [
    // A build that finds what another has left says so.
    shell('[ ! -e used ] || ${tell('used')}; touch used; ${tell('begin')}; sleep 0.3; ${tell('end')}',
      { name: 'work', env: { TRACE: process.cwd() + '/trace' } }) ] }],
})`
