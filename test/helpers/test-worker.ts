import { Worker } from '../../src/fleet/worker.ts'
import type { LockAccess } from '../../src/model/lock.ts'

/** A worker as the master knows it, without agent. */
export function testWorker(name: string, locks: readonly LockAccess[] = []): Worker {
  const none = { properties: {}, defaultProperties: {}, env: {} }
  return new Worker(1, { kind: 'static', name, maxBuilds: 1, keepaliveInterval: null, locks, ...none })
}
