import type { Selectable } from 'kysely'
import type { Database } from '../db/schema.ts'
import { adminOf } from './store-admin.ts'
import { Worker } from './worker.ts'
import type { WorkerSpec } from './worker-spec.ts'

/** The config's workers by name, and those removed from it that still finish builds. */
export class Roster {
  readonly #configured = new Map<string, Worker>()
  readonly #leaving = new Map<string, Worker>()
  readonly #instances = new Map<string, Worker>()
  readonly #pools = new Map<string, Set<Worker>>()

  /** Of the config. */
  get(name: string): Worker | undefined {
    return this.#configured.get(name)
  }

  configured(): IterableIterator<Worker> {
    return this.#configured.values()
  }

  /** One whose agent may connect: also one that has builds to finish. */
  admitted(name: string): Worker | undefined {
    return this.#configured.get(name) ?? this.#leaving.get(name)
  }

  all(): Worker[] {
    return [...this.#configured.values(), ...this.#leaving.values(), ...this.#instances.values()]
  }

  /** Those that can build for a worker of the config: itself, or the instances of a latent one. */
  buildersOf(name: string): readonly Worker[] {
    const worker = this.#configured.get(name)
    if (worker?.spec.kind !== 'latent') return worker ? [worker] : []
    return [...(this.#pools.get(name) ?? [])]
  }

  instance(id: string): Worker | undefined {
    return this.#instances.get(id)
  }

  addInstance(worker: Worker): void {
    this.#instances.set(worker.instanceId!, worker)
    const pool = this.#pools.get(worker.spec.name) ?? new Set()
    this.#pools.set(worker.spec.name, pool.add(worker))
  }

  removeInstance(worker: Worker): void {
    this.#instances.delete(worker.instanceId!)
    this.#pools.get(worker.spec.name)?.delete(worker)
  }

  /** Takes the config's workers over. Returns those that were there before, changed or removed. */
  configure(specs: readonly WorkerSpec[], rows: Rows, now: number): Worker[] {
    const before = new Map([...this.#leaving, ...this.#configured])
    this.#configured.clear()
    this.#leaving.clear()
    for (const spec of specs) {
      const worker = before.get(spec.name) ?? workerOf(spec, rows, now)
      worker.spec = spec
      // It may have come back from builds alone.
      if (worker.removed) worker.admin = adminOf(rows.get(spec.name)!)
      this.#configured.set(spec.name, worker)
    }
    for (const worker of before.values()) {
      worker.removed = !this.#configured.has(worker.name)
      if (worker.removed) this.#leaving.set(worker.name, worker)
    }
    return [...before.values()]
  }

  /**
   * One that has left the config while no master ran, and has builds to finish. Its password is known no more: unless it comes
   * back into the config, only a local one can be connected.
   */
  recall({ id, kind, name }: { id: number; kind: string; name: string }, now: number): Worker {
    const known = this.admitted(name)
    if (known) return known
    const nothing = { properties: {}, defaultProperties: {}, env: {}, locks: [], keepaliveInterval: null }
    const worker = new Worker(id, {
      kind: kind === 'local' ? 'local' : 'static',
      name,
      maxBuilds: 1,
      ...nothing,
    })
    worker.removed = true
    worker.disconnectedAt = new Date(now)
    this.#leaving.set(name, worker)
    return worker
  }

  /** Forgets a removed worker that has finished. False when it is none. */
  forget(worker: Worker): boolean {
    if (worker.places.size > 0 || this.#leaving.get(worker.name) !== worker) return false
    return this.#leaving.delete(worker.name)
  }
}

type Rows = ReadonlyMap<string, Selectable<Database['workers']>>

function workerOf(spec: WorkerSpec, rows: Rows, now: number): Worker {
  const row = rows.get(spec.name)!
  const worker = new Worker(row.id, spec)
  worker.admin = adminOf(row)
  // Whoever was connected to a master that died is away from now on.
  worker.disconnectedAt = row.disconnected_at ?? (row.last_connected_at ? new Date(now) : undefined)
  return worker
}
