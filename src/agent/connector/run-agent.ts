import type { AgentLink } from '../../protocol/link.ts'
import { systemClock } from '../../util/clock.ts'
import type { Log } from '../log.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { connect } from './connection.ts'
import { ConnectionReport } from './connection-report.ts'
import { agentUrl, isInTheClear } from './master-url.ts'
import { retryDelay } from './retry-delay.ts'

export interface AgentOptions {
  /** Addresses of one master, or of several of one cluster: http, https, ws or wss. */
  readonly masters: readonly string[]
  readonly name: string
  readonly password: string
  readonly baseDir: string
  readonly log: Log
  /** PEM of certificate authorities, in place of the well-known ones. */
  readonly ca?: string | undefined
  /** Aborted: no new builds; ends when the running ones have. */
  readonly drain?: AbortSignal
  /** Aborted: the running builds are cancelled; ends when they have. */
  readonly cancel?: AbortSignal
  /** Aborted: everything is killed at once, without a word to the master. */
  readonly kill?: AbortSignal
}

/**
 * Runs an agent until it is drained. It never gives up on its masters by itself: a refused login is told each time and
 * tried again every half a minute, since it is the master's config that is likely to be mended. Throws ROUSE_USAGE for a bad
 * address, ROUSE_AGENT_BASE_DIR and ROUSE_AGENT_BASE_DIR_IN_USE.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { baseDir, cancel, drain, kill, log } = options
  const urls = options.masters.map(agentUrl)
  for (const url of urls.filter(isInTheClear))
    log.warn(`the password goes to ${url.host} in the clear; use https:// or wss:// where others may listen`)
  const supervisor = new Supervisor({ baseDir, log })
  const over = new AbortController()
  onAbort(drain, over.signal, () => supervisor.drain(false))
  onAbort(cancel, over.signal, () => supervisor.drain(true))
  onAbort(kill, over.signal, () => {
    supervisor.kill()
    over.abort()
  })
  void supervisor.drained.then(() => over.abort())
  try {
    await stayConnected(urls, supervisor, options, over.signal)
  } finally {
    over.abort()
    await supervisor.close()
  }
}

async function stayConnected(
  urls: readonly URL[],
  supervisor: Supervisor,
  { ca, log, name, password }: AgentOptions,
  signal: AbortSignal,
): Promise<void> {
  const attach = (link: AgentLink) => supervisor.attach(link)
  const report = new ConnectionReport(log)
  let lostAt = performance.now()
  let failures = 0
  let refusals = 0
  for (let at = 0; !signal.aborted;) {
    const url = urls[at]!
    const onWelcome = () => report.welcomed(url, name)
    const { runId } = supervisor
    const end = await connect({ url, name, password, ca, runId, signal, attach, onWelcome })
    if (signal.aborted) return
    refusals = end.refused ? refusals + 1 : 0
    failures = end.held > settledMs ? 0 : failures + 1
    if (failures === 0) lostAt = performance.now()
    else at = (at + 1) % urls.length
    // The other masters are asked at once, and then all of them after a pause.
    const goOn = failures % urls.length !== 0
    const round = Math.floor(failures / urls.length)
    const retry = { round, away: performance.now() - lostAt, refused: refusals >= urls.length }
    const wait = goOn ? 0 : retryDelay(retry)
    report.ended(url, end, wait)
    await systemClock.sleep(wait, signal).catch(() => {})
  }
}

function onAbort(signal: AbortSignal | undefined, until: AbortSignal, act: () => void): void {
  if (signal?.aborted) act()
  else signal?.addEventListener('abort', act, { once: true, signal: until })
}

/** A connection that held this long was a good one. */
const settledMs = 10_000
