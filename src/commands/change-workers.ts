import { userInfo } from 'node:os'
import { humanDuration } from '../model/durations.ts'
import { RouseError } from '../model/errors.ts'
import { systemClock } from '../util/clock.ts'
import type { ApiWorker } from '../web/api.ts'
import { isOutage } from './client/is-outage.ts'
import type { MasterClient } from './client/master-client.ts'
import { untilInterrupted } from './follow/interrupt.ts'
import { ProgressLine } from './output/progress-line.ts'
import { terminalOf } from './output/terminal.ts'

export type WorkerAction = 'pause' | 'resume' | 'drain'

export interface WorkerChange {
  readonly reason?: string | undefined
  readonly until?: string | undefined
}

/** Pauses, drains or resumes one worker and returns it. */
export async function changeWorker(
  client: MasterClient,
  action: WorkerAction,
  name: string,
  { reason, until }: WorkerChange,
): Promise<ApiWorker> {
  const body = { reason, by: me(), until: /^\d+$/.test(until ?? '') ? Number(until) : until }
  const path = `/workers/${encodeURIComponent(name)}/${action}`
  return await client.post<ApiWorker>(path, body, { repeatable: true })
}

/**
 * The same for all of them, and returns those that it concerned: a drain leaves alone what somebody has paused, and a resume
 * brings back only what was drained.
 */
export async function changeAllWorkers(
  client: MasterClient,
  action: WorkerAction,
  change: WorkerChange,
): Promise<ApiWorker[]> {
  const { items } = await client.list<ApiWorker>('/workers')
  const from = action === 'resume' ? ['draining'] : action === 'drain' ? ['active', 'draining'] : ['active']
  const changed: ApiWorker[] = []
  for (const { adminState, name } of items)
    if (from.includes(adminState)) changed.push(await changeWorker(client, action, name, change))
  return changed
}

/** Waits until these workers run no build any more, and says on stderr what still runs. Throws Interrupted. */
export async function untilDrained(
  client: MasterClient,
  names: readonly string[],
  { quiet }: { quiet: boolean },
): Promise<ApiWorker[]> {
  const progress = quiet ? undefined : new ProgressLine(terminalOf(process.stderr))
  const since = systemClock.now()
  try {
    return await untilInterrupted(async (signal) => {
      for (;;) {
        const workers = await ours(client, names, signal)
        const busy = workers?.filter(({ runningBuilds }) => runningBuilds.length > 0)
        if (workers && busy!.length === 0) return workers
        const resumed = busy?.find(({ adminState }) => adminState === 'active')
        if (resumed) throw new RouseError('ROUSE_USAGE', `${resumed.name} was resumed meanwhile`)
        const what = busy ? whatRuns(busy) : 'the master does not answer; waiting for it'
        await progress?.show(what, ` · ${humanDuration(systemClock.now() - since)}`)
        await systemClock.sleep(pollMs, signal)
      }
    })
  } finally {
    await progress?.clear()
  }
}

// Undefined while the master is away: its builds go on meanwhile.
async function ours(
  client: MasterClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ApiWorker[] | undefined> {
  try {
    const { items } = await client.list<ApiWorker>('/workers', {}, Infinity, signal)
    return items.filter(({ name }) => names.includes(name))
  } catch (error) {
    signal.throwIfAborted()
    if (!isOutage(error)) throw error
    return undefined
  }
}

function whatRuns(busy: readonly ApiWorker[]): string {
  const count = busy.reduce((sum, { runningBuilds }) => sum + runningBuilds.length, 0)
  const told = busy
    .slice(0, mostTold)
    .map(({ name, runningBuilds }) => `${name} (${runningBuilds.join(', ')})`)
  const more = busy.length > mostTold ? ` and ${busy.length - mostTold} more` : ''
  return `waiting for ${count} ${count === 1 ? 'build' : 'builds'} on ${told.join(', ')}${more}`
}

// A user id without a name is common in containers.
function me(): string | undefined {
  try {
    return userInfo().username.slice(0, 100) || undefined
  } catch {
    return undefined
  }
}

const pollMs = 500
const mostTold = 5
