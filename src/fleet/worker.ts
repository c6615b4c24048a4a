import { active, adminObstacle, type Admin } from './admin.ts'
import type { Session } from './session.ts'
import type { WorkerSpec } from './worker-spec.ts'

export type WorkerSession = Session<Worker>

/** One build's place on a worker: its workspace is `<builder>/<slot>`. Held until its commands are surely gone. */
export interface Place {
  readonly worker: Worker
  readonly builder: string
  readonly slot: number
  /** Set once the build is claimed. */
  buildId: number | undefined
}

/** An instance's place in a latent worker's pool. */
export interface InstancePlace {
  readonly id: string
  readonly number: number
  readonly pool: Worker
}

/** A worker as this master knows it right now: its entry in the config, its session, and the builds that hold a place. */
export class Worker {
  spec: WorkerSpec
  readonly rowId: number
  readonly #instance: InstancePlace | undefined
  session: WorkerSession | undefined
  #admin: Admin = active
  /** Of an instance: why it takes no builds although nothing else is in the way, 'is starting'. */
  hindrance: () => string | undefined = () => undefined
  disconnectedAt: Date | undefined
  /** No longer in the config: it only finishes its builds. */
  removed = false
  /** The master has done with it, for ever: no agent may connect any more. */
  left = false
  /** The agent run that asked for no more builds, which holds over reconnects. */
  drainingRun: string | undefined
  readonly places = new Set<Place>()

  constructor(rowId: number, spec: WorkerSpec, instance?: InstancePlace) {
    this.rowId = rowId
    this.spec = spec
    this.#instance = instance
  }

  /** As in the config; an instance's has its place in the pool behind it: 'dock/2'. */
  get name(): string {
    return this.#instance ? `${this.spec.name}/${this.#instance.number}` : this.spec.name
  }

  /** Of a latent worker's instance; null for a worker that has one agent at a time. */
  get instanceId(): string | null {
    return this.#instance?.id ?? null
  }

  /** Its place in the pool; 0 when it is no instance. */
  get number(): number {
    return this.#instance?.number ?? 0
  }

  /** What an admin has said of the worker holds for each of its instances. */
  get admin(): Admin {
    return this.#instance?.pool.admin ?? this.#admin
  }

  set admin(admin: Admin) {
    this.#admin = admin
  }

  get runningBuilds(): number[] {
    return [...this.places].flatMap((place) => place.buildId ?? []).sort((a, b) => a - b)
  }

  /** Whether its agent is connected and takes builds, now or after those it runs. */
  get inService(): boolean {
    const { admin, session } = this
    return (
      this.hindrance() === undefined &&
      admin.state === 'active' &&
      session !== undefined &&
      session.welcomed &&
      !session.draining
    )
  }

  /** Why it cannot take one more build, in a few words; undefined when it can. */
  get obstacle(): string | undefined {
    if (this.removed) return 'is no longer in the config'
    const admin = adminObstacle(this.admin, this.places.size)
    if (admin !== undefined) return admin
    const hindrance = this.hindrance()
    if (hindrance !== undefined) return hindrance
    if (!this.session) {
      return this.disconnectedAt
        ? `is not connected since ${this.disconnectedAt.toISOString()}`
        : 'is not connected'
    }
    if (!this.session.welcomed) return 'is just connecting'
    if (this.session.draining) return 'is shutting down'
    if (this.session.dying.size > 0) return 'is ending commands of an earlier build'
    if (this.places.size >= this.spec.maxBuilds)
      return `runs ${this.places.size} of ${this.spec.maxBuilds} builds`
    return undefined
  }

  /** Takes the lowest free slot of the builder. */
  take(builder: string): Place {
    const taken = new Set([...this.places].filter((p) => p.builder === builder).map((p) => p.slot))
    let slot = 0
    while (taken.has(slot)) slot++
    const place: Place = { worker: this, builder, slot, buildId: undefined }
    this.places.add(place)
    return place
  }

  /** The place of a build that was begun under an earlier master. */
  hold(builder: string, slot: number): Place {
    const place: Place = { worker: this, builder, slot, buildId: undefined }
    this.places.add(place)
    return place
  }

  /** One sentence for people. */
  get sentence(): string {
    const { obstacle } = this
    if (this.places.size === 0) return obstacle ?? 'is idle'
    const load = `runs ${this.places.size} of ${this.spec.maxBuilds} builds`
    return obstacle === undefined || obstacle === load ? load : `${obstacle}; ${load}`
  }
}
