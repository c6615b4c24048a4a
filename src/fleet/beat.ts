import type { WorkerSession } from './worker.ts'

/**
 * One heartbeat for a session, with the keepalive when its time has come. False when the agent has been silent for three.
 * Counted, not measured: after this machine has slept, nobody else was silent.
 */
export function beat(session: WorkerSession, now: number): boolean {
  const { keepaliveInterval, kind } = session.worker.spec
  // An agent in this process is as alive as we are.
  if (!session.welcomed || kind === 'local') return true
  if (session.unanswered >= 3) return false
  session.unanswered++
  session.send({ type: 'heartbeat' })
  if (keepaliveInterval !== null && now - session.lastKeepalive >= keepaliveInterval * 1000) {
    session.lastKeepalive = now
    session.send({ type: 'keepalive' })
  }
  return true
}
