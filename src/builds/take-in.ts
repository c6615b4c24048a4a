import type { PendingRequest } from './pending-queue.ts'

interface Queue {
  /** Requests that wait here or are on their way through a build. */
  readonly known: ReadonlySet<number>
  add(request: PendingRequest): void
  /** Nothing happens when it does not wait here. */
  remove(id: number): unknown
}

interface Stored {
  pending(): Promise<readonly PendingRequest[]>
  /** Those of these that have ended, or that another master builds. */
  gone(ids: readonly number[]): Promise<readonly number[]>
}

/**
 * Brings a queue in line with what is stored: what nobody here knows is added, what another master has cancelled or taken is
 * removed. What changes while it is read is left for the next time.
 */
export async function takeIn(queue: Queue, stored: Stored): Promise<void> {
  const before = queue.known
  const pending = await stored.pending()
  const { known } = queue
  for (const request of pending) if (!before.has(request.id) && !known.has(request.id)) queue.add(request)
  const waiting = new Set(pending.map(({ id }) => id))
  const missed = [...before].filter((id) => known.has(id) && !waiting.has(id))
  if (missed.length > 0) for (const id of await stored.gone(missed)) queue.remove(id)
}
