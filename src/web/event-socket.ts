import type { WebSocket } from 'ws'
import type { EventSource, RouseEvent } from '../model/events.ts'

export interface SendEventsOptions {
  /** Id of the last event that the reader saw. */
  readonly since: string | undefined
  readonly wants: (event: RouseEvent) => boolean
  /** Bytes that may wait for the reader. */
  readonly maxUnsentBytes: number
}

/** Sends what the reader missed, then what happens, until the socket closes. */
export async function sendEvents(
  socket: WebSocket,
  source: EventSource,
  { since, wants, maxUnsentBytes }: SendEventsOptions,
): Promise<void> {
  // At the reader's pace: what happens meanwhile is found by the next look.
  for (let last = since; last !== undefined && socket.readyState === socket.OPEN;) {
    const missed = source.since(last)
    if (missed === undefined) socket.send(JSON.stringify({ type: 'reset' }))
    for (const event of missed ?? []) if (wants(event)) await send(socket, event)
    last = missed?.at(-1)?.id
  }
  // Nothing is awaited between the last look and this, so nothing is missed.
  const stop = source.subscribe((event) => {
    if (!wants(event)) return
    socket.send(JSON.stringify(event))
    if (socket.bufferedAmount <= maxUnsentBytes) return
    stop()
    socket.close(1013, 'too slow: come back with since=<the last id you saw>')
  })
  if (socket.readyState === socket.OPEN) socket.on('close', stop)
  else stop()
}

/** Drops the reader when it has not answered the ping before. */
export function pingRegularly(socket: WebSocket, seconds: number): void {
  let answered = true
  socket.on('pong', () => (answered = true))
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, seconds * 1000)
  socket.on('close', () => clearInterval(timer))
}

/** Resolves when the system has taken it, or the socket is closed. */
function send(socket: WebSocket, event: RouseEvent): Promise<void> {
  return new Promise((resolve) => {
    socket.send(JSON.stringify(event), () => resolve())
  })
}
