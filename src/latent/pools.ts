import type { Logger } from 'pino'
import { Worker } from '../fleet/worker.ts'
import type { LatentSpec } from './latent-spec.ts'
import type { StoredInstance } from './ledger.ts'
import type { LiveInstance } from './live-instance.ts'
import type { OpenBackend } from './open-backend.ts'
import type { Pool } from './pool.ts'
import { removedSpec } from './removed-spec.ts'

interface PoolsOptions {
  readonly log: Logger
  readonly backend: (key: string) => OpenBackend | undefined
  readonly make: (spec: LatentSpec, backend: OpenBackend, worker?: Worker) => Pool
  /** The config has changed a pool. */
  readonly reconfigure: (pool: Pool, spec: LatentSpec) => void
}

/** The pools of the config, and those of workers that have left it, until their last instance is gone. */
export class Pools {
  readonly #o: PoolsOptions
  readonly current = new Map<string, Pool>()
  readonly #leaving = new Set<Pool>()
  /** Instances that nothing can be done for, by id. */
  readonly #leftOver = new Set<string>()

  constructor(options: PoolsOptions) {
    this.#o = options
  }

  get live(): LiveInstance[] {
    return [...this.#all].flatMap((pool) => [...pool.instances.values()])
  }

  instance(id: string | null): LiveInstance | undefined {
    if (id === null) return undefined
    for (const pool of this.#all) {
      const instance = pool.instances.get(id)
      if (instance) return instance
    }
    return undefined
  }

  /** Whether it is this master's, also while it is only just being stored. */
  knows(id: string): boolean {
    return this.instance(id) !== undefined || [...this.#all].some(({ storing }) => storing.has(id))
  }

  /** Takes over the config's workers; their backends are open. */
  configure(specs: readonly LatentSpec[]): void {
    const wanted = new Map(specs.map((spec) => [spec.name, spec]))
    for (const [name, pool] of this.current) {
      if (wanted.get(name)?.backend.key === pool.backend.key) continue
      this.current.delete(name)
      this.#leaving.add(pool)
    }
    for (const spec of specs) {
      const pool = this.current.get(spec.name) ?? this.#comeBack(spec)
      if (pool) this.#o.reconfigure(pool, spec)
      else this.current.set(spec.name, this.#o.make(spec, this.#o.backend(spec.backend.key)!))
    }
    this.drain()
  }

  /** Goes on with an instance of an earlier master, also if its worker has left the config since. */
  adopt(stored: StoredInstance): void {
    const { backend: key, id, worker, workerId } = stored.facts
    const known = [...this.#all].find(({ backend, name }) => name === worker && backend.key === key)
    const backend = this.#o.backend(key)
    if (known) known.adopt(stored).handle({ type: 'adopted' })
    else if (backend) {
      const spec = removedSpec(stored.facts)
      const pool = this.#o.make(spec, backend, new Worker(workerId, spec.worker))
      this.#leaving.add(pool)
      pool.adopt(stored).handle({ type: 'adopted' })
    } else if (!this.#leftOver.has(id)) {
      this.#leftOver.add(id)
      this.#o.log.error(
        { instance: id, worker, backend: key },
        `instance ${id} is left over, and no worker of the config uses its backend: put its worker back until it is gone, or end it by hand`,
      )
    }
  }

  /** Ends what was made from another template than the config's, or for a worker that has left it. */
  drain(): void {
    for (const pool of this.#leaving)
      for (const instance of pool.instances.values())
        instance.handle({ type: 'unwanted', reason: 'its worker is no longer in the config' })
    for (const { instances, templates } of this.current.values()) {
      const { constant } = templates
      if (!constant || 'error' in constant) continue
      for (const instance of instances.values())
        if (instance.facts.templateHash !== constant.hash)
          instance.handle({ type: 'unwanted', reason: 'its template was changed in the config' })
    }
  }

  /** Forgets pools that have come to their end. */
  tidy(): void {
    for (const pool of this.#leaving) if (pool.size === 0) this.#leaving.delete(pool)
  }

  /** The pool of a worker that was removed and is in the config again. */
  #comeBack({ backend, name }: LatentSpec): Pool | undefined {
    for (const pool of this.#leaving) {
      if (pool.name !== name || pool.backend.key !== backend.key) continue
      this.#leaving.delete(pool)
      this.current.set(name, pool)
      return pool
    }
    return undefined
  }

  get #all(): Iterable<Pool> {
    return [...this.current.values(), ...this.#leaving]
  }
}
