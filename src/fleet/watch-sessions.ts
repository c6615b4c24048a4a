import type { Logger } from 'pino'
import type { Clock } from '../util/clock.ts'
import { beat } from './beat.ts'
import type { Worker, WorkerSession } from './worker.ts'

interface WatchOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Seconds between heartbeats. */
  readonly heartbeat: number
  readonly drop: (session: WorkerSession, reason: string) => void
  readonly signal: AbortSignal
}

/** Sends heartbeats and keepalives, and drops agents that were silent for three heartbeats, until aborted. */
export async function watchSessions(
  workers: () => Iterable<Worker>,
  { clock, drop, heartbeat, log, signal }: WatchOptions,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(heartbeat * 1000, signal).catch(() => {})
    if (signal.aborted) return
    const now = clock.now()
    for (const { name, session } of workers()) {
      if (!session || beat(session, now)) continue
      log.warn({ worker: name, address: session.address }, 'agent is silent, dropping its connection')
      drop(session, 'silent for three heartbeats')
    }
  }
}
