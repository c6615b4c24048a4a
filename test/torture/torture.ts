import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { launchMaster, type AgentProcess, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Ears } from './ears.ts'
import { Random } from './random.ts'

export interface TortureOptions {
  readonly seed: number
  readonly builds: number
  /** How long things are broken before all is left alone to come to its end. */
  readonly seconds: number
  readonly onEnd: OnEnd
  readonly say?: (sentence: string) => void
}

export interface Tortured {
  readonly master: MasterProcess
  readonly agents: readonly AgentProcess[]
  readonly jobs: readonly Job[]
  /** What the commands themselves wrote down: 'begin 3 17' and 'end 3 17 1' for job, build and exit code. */
  readonly trace: readonly string[]
  /** How often each kind of harm was done. */
  readonly harm: Readonly<Record<string, number>>
  /** What was told of results, each message once. */
  readonly heard: readonly { readonly request: number; readonly result: string | null }[]
}

/** How often each kind of harm is done, compared with the others. */
const weights = { killMaster: 2, killPostgres: 1, killConnector: 2, killAgent: 1, cutLink: 3, slowLink: 2 }

export interface Job {
  readonly n: number
  readonly lines: number
  readonly exitCode: number
  readonly request: number
}

const workers = ['alpha', 'beta', 'gamma']
/** Of one worker. */
export const buildsAtOnce = 2
export const password = 'torture-password-5772'
/** What every build gets in its environment and prints. */
export const token = 'torture-token-1618/+='

const config = `
const { defineMaster, staticWorker, secret, shell, interpolate, webhook } = rouse
export default defineMaster({
  listen,
  maxInfraRetries: 1000,
  heartbeatInterval: 2,
  workers: ${JSON.stringify(workers)}.map((name) => staticWorker(name, { password: secret('TORTURE'), maxBuilds: ${buildsAtOnce} })),
  builders: [{ name: 'work', workers: ${JSON.stringify(workers)}, steps: [
    shell('true', { name: 'before' }),
    shell(interpolate(
      'echo "begin %(prop:n)s %(prop:buildid)s" >> "$TRACE"; echo "token $TOKEN"; i=0; ' +
      'while [ $i -lt %(prop:lines)s ]; do i=$((i+1)); echo "line $i"; [ $((i % 50)) = 0 ] && sleep 0.05; done; ' +
      'echo "end %(prop:n)s %(prop:buildid)s %(prop:exitCode)s" >> "$TRACE"; exit %(prop:exitCode)s'),
      { name: 'work', env: { TRACE: process.env.TRACE, TOKEN: secret('TOKEN') } }),
  ] }],
  reporters: [webhook({ url: process.env.EARS, events: ['request.completed'] })],
})`

/** Forces builds while master, agents, links and PostgreSQL are killed at random, and then waits until all has ended. */
export async function torture(options: TortureOptions): Promise<Tortured> {
  const { builds, onEnd, seconds, seed, say = () => {} } = options
  const random = new Random(seed)
  const trace = join(tmpdir(), `rouse-torture-${process.pid}-${seed}`)
  onEnd(() => rm(trace, { force: true }))
  const ears = await Ears.open(random, onEnd)
  const env = { TORTURE: password, TOKEN: token, TRACE: trace, EARS: ears.url }
  const master = await launchMaster({ config, env }, onEnd)
  const stations = await Promise.all(workers.map((name) => Station.open(master, name, onEnd)))
  const harm: Record<string, number> = {}
  const jobs = Promise.all(Array.from({ length: builds }, (_, n) => force(master, n, random, seconds)))

  const end = Date.now() + seconds * 1000
  const kinds = Object.entries(weights).flatMap(([name, weight]) => Array<string>(weight).fill(name))
  while (Date.now() < end) {
    await delay(random.between(200, 1500))
    const station = random.pick(stations)
    // Each kind once, then as it comes.
    const kind = kinds.find((name) => harm[name] === undefined) ?? random.pick(kinds)
    if (kind === 'killMaster') await killMaster(master, random)
    else if (kind === 'killPostgres') await killPostgres(master)
    else if (kind === 'killConnector') await station.restart(random, (agent) => agent.end('SIGKILL'))
    else if (kind === 'killAgent') await station.restart(random, (agent) => agent.die())
    else if (kind === 'cutLink') station.cut(random)
    else station.slow(random)
    harm[kind] = (harm[kind] ?? 0) + 1
    say(`${kind} (${Math.round((end - Date.now()) / 1000)} s to go)`)
  }
  for (const station of stations) station.proxy.mend()
  const forced = await jobs
  say('left alone now')
  for (const { request } of forced) await master.request(request, 240_000)
  await ears.settled(master)
  const lines = (await readFile(trace, 'utf8').catch(() => '')).split('\n').filter(Boolean)
  const heard = [...ears.heard.values()]
  return { master, agents: stations.map((s) => s.agent), jobs: forced, trace: lines, harm, heard }
}

/** A worker's machine: its agent behind a link that can be cut. */
class Station {
  readonly proxy: TcpProxy
  agent!: AgentProcess
  readonly #start: () => Promise<AgentProcess>

  private constructor(proxy: TcpProxy, start: () => Promise<AgentProcess>) {
    this.proxy = proxy
    this.#start = start
  }

  static async open(master: MasterProcess, name: string, onEnd: OnEnd): Promise<Station> {
    const proxy = await startTcpProxy(master.port, onEnd)
    const station = new Station(proxy, () => master.agent(name, password, { masters: [proxy.url] }))
    station.agent = await station.#start()
    return station
  }

  cut(random: Random): void {
    this.proxy.cut()
    setTimeout(() => this.proxy.mend(), random.between(0, 2500)).unref()
  }

  /** Within what heartbeats bear, and beyond. */
  slow(random: Random): void {
    setTimeout(this.proxy.stall(), random.between(200, 8000)).unref()
  }

  async restart(random: Random, kill: (agent: AgentProcess) => Promise<unknown>): Promise<void> {
    await kill(this.agent)
    await delay(random.between(0, 500))
    this.agent = await this.#start()
  }
}

async function force(master: MasterProcess, n: number, random: Random, seconds: number): Promise<Job> {
  const lines = random.between(1, 1500)
  const exitCode = random.pick([0, 0, 1, 7])
  await delay(random.between(0, seconds * 800))
  const properties = { n, lines, exitCode }
  const request = await waitFor(
    `job ${n} to be taken`,
    async () => {
      const answer = await fetch(`${master.url}/api/v1/builders/work/force`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `job-${n}` },
        body: JSON.stringify({ properties }),
        signal: AbortSignal.timeout(5000),
      })
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
      return ((await answer.json()) as { requestIds: number[] }).requestIds[0]
    },
    { timeout: 120_000, interval: 200 },
  )
  return { n, lines, exitCode, request }
}

async function killMaster(master: MasterProcess, random: Random): Promise<void> {
  await master.end('SIGKILL')
  await delay(random.between(0, 800))
  await master.start()
}

async function killPostgres({ dir }: MasterProcess): Promise<void> {
  const pid = Number(
    (await readFile(join(dir, 'rouse-data/postgres/postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0],
  )
  if (pid > 0) process.kill(pid, 'SIGINT')
}
