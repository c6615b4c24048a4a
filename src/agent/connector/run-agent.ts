import { systemClock } from '../../util/clock.ts'
import type { Welcome } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'
import { keepSupervisor } from '../process/keep-supervisor.ts'
import type { RawLink, RemoteSupervisor } from '../process/remote-supervisor.ts'
import { connect, type ConnectionOptions } from './connection.ts'
import { ConnectionReport } from './connection-report.ts'
import { GiveUp } from './give-up.ts'
import { instanceCredential } from './instance-credential.ts'
import { isInTheClear, masterAddress, type MasterAddress } from './master-address.ts'
import { retryDelay } from './retry-delay.ts'

export interface AgentOptions {
  /** Addresses of one master, or of several of one cluster: http, https, ws, wss, or unix: and a path. */
  readonly masters: readonly string[]
  readonly name: string
  readonly password: string
  /** This machine is an instance: `name` is its id and `password` the token of its first login, '' once that is used up. */
  readonly instance?: boolean | undefined
  readonly baseDir: string
  readonly log: Log
  /** PEM of certificate authorities, in place of the well-known ones. */
  readonly ca?: string | undefined
  /** Seconds without a master, and with nothing running, after which the agent ends. Default: never. */
  readonly giveUp?: number | undefined
  /** Aborted: no new builds; ends when the running ones have. */
  readonly drain?: AbortSignal
  /** Aborted: the running builds are cancelled; ends when they have. */
  readonly cancel?: AbortSignal
  /** Aborted: everything is killed at once, without a word to the master. */
  readonly kill?: AbortSignal
  /** A master has let it in; called each time. */
  readonly onWelcome?: (() => void) | undefined
  /** Bytes of output on disk at which commands wait. Default 1 GiB. */
  readonly maxSpool?: number | undefined
}

/**
 * Runs the connector of an agent until it is drained. The commands are run by a supervisor, a process that outlives this one
 * when it is killed, and is then taken up by the next one on the base dir. Without `giveUp` the connector never gives up on its
 * masters: a refused login is told each time and tried again every half a minute, since it is the master's config that is likely to be
 * mended. Only the agent of an instance that every master has done with ends after a few tries. Throws ROUSE_USAGE for a bad
 * address, ROUSE_AGENT_BASE_DIR and ROUSE_AGENT_BASE_DIR_IN_USE.
 */
export async function runAgent(options: AgentOptions): Promise<'ended' | 'gave up'> {
  const { baseDir, cancel, drain, instance, kill, log, onWelcome } = options
  const addresses = options.masters.map(masterAddress)
  for (const { url } of addresses.filter(isInTheClear))
    log.warn(`the password goes to ${url.host} in the clear; use https:// or wss:// where others may listen`)
  const login = await loginOf(options)
  const over = new AbortController()
  onAbort(kill, over.signal, () => over.abort())
  let end: 'ended' | 'gave up' = 'ended'
  const onGiveUp = () => {
    end = 'gave up'
    over.abort()
  }
  const patience = new GiveUp({ after: options.giveUp, log, onGiveUp })
  const connected = { ...login, log, patience, onWelcome, ...(instance && { onUnwanted: onGiveUp }) }
  const keep = { baseDir, log, maxSpool: options.maxSpool, signal: over.signal }
  try {
    await keepSupervisor(keep, async (supervisor) => {
      patience.begin(supervisor)
      const gone = new AbortController()
      const until = AbortSignal.any([over.signal, gone.signal])
      onAbort(drain, until, () => supervisor.drain(false))
      onAbort(cancel, until, () => supervisor.drain(true))
      onAbort(kill, gone.signal, () => supervisor.kill())
      // A master that has no use for its instance any more asked for the drain.
      void supervisor.drained.then(() =>
        (drain?.aborted || cancel?.aborted || instance ? over : gone).abort(),
      )
      void supervisor.lost.then(() => gone.abort())
      await stayConnected(addresses, supervisor, connected, until)
      gone.abort()
      // Drained and killed alike: nothing is to be left.
      await supervisor.close()
    })
  } finally {
    patience.stop()
  }
  return end
}

interface Connecting {
  readonly log: Log
  readonly patience: GiveUp
  readonly onWelcome?: (() => void) | undefined
  /** Called when every master has said often enough that it does not know this agent. */
  readonly onUnwanted?: () => void
}

type Login = Pick<ConnectionOptions, 'ca' | 'credential' | 'name' | 'password'>

async function loginOf({ baseDir, ca, instance, name, password }: AgentOptions): Promise<Login> {
  const credential = instance && (await instanceCredential(baseDir, { name, token: password }))
  return { ca, name, password, ...(credential && { credential }) }
}

async function stayConnected(
  addresses: readonly MasterAddress[],
  supervisor: RemoteSupervisor,
  { log, onUnwanted, onWelcome: welcomed, patience, ...login }: Login & Connecting,
  signal: AbortSignal,
): Promise<void> {
  const attach = (link: RawLink) => supervisor.attach(link)
  const report = new ConnectionReport(log)
  let lostAt = performance.now()
  let failures = 0
  let refusals = 0
  let unknown = 0
  for (let at = 0; !signal.aborted;) {
    const address = addresses[at]!
    const onWelcome = ({ maxDisconnected }: Welcome) => {
      patience.contact(maxDisconnected)
      report.welcomed(address, login.name)
      welcomed?.()
    }
    const { runId } = supervisor
    const end = await connect({ ...login, address, runId, signal, attach, onWelcome })
    if (end.held > 0) patience.lost()
    if (signal.aborted) return
    refusals = end.refused ? refusals + 1 : 0
    if (end.unknown !== undefined) unknown = end.unknown ? unknown + 1 : 0
    failures = end.held > settledMs ? 0 : failures + 1
    if (failures === 0) lostAt = performance.now()
    else at = (at + 1) % addresses.length
    // The other masters are asked at once, and then all of them after a pause.
    const goOn = failures % addresses.length !== 0
    const round = Math.floor(failures / addresses.length)
    const retry = {
      round,
      away: performance.now() - lostAt,
      refused: refusals >= addresses.length,
      isInstance: onUnwanted !== undefined,
    }
    const wait = goOn ? 0 : retryDelay(retry)
    if (onUnwanted && unknown >= mostUnknown * addresses.length) {
      log.error(`no master knows this instance any more: ${end.reason}`)
      return onUnwanted()
    }
    report.ended(address, end, wait)
    await systemClock.sleep(wait, signal).catch(() => {})
  }
}

function onAbort(signal: AbortSignal | undefined, until: AbortSignal, act: () => void): void {
  if (until.aborted) return
  if (signal?.aborted) act()
  else signal?.addEventListener('abort', act, { once: true, signal: until })
}

/** A connection that held this long was a good one. */
const settledMs = 10_000

/** So often each master may say that it does not know an instance: for about twenty seconds. */
const mostUnknown = 6
