import { Worker } from '../fleet/worker.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { InstanceState } from '../model/instance-state.ts'
import type { AgentDelivery } from './agent-delivery.ts'
import type { InstanceSpec } from './backend.ts'
import { nextToReplace } from './images/roll-over.ts'
import type { InstanceRules } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'
import type { LatentSpec } from './latent-spec.ts'
import type { LatentTools } from './latent-tools.ts'
import { newInstanceId } from './instance-id.ts'
import { insertInstance, type StoredInstance } from './ledger.ts'
import { LiveInstance } from './live-instance.ts'
import type { OpenBackend } from './open-backend.ts'
import type { PlannedInstance } from './plan.ts'
import type { RenderedTemplates } from './rendered-templates.ts'
import { instanceToken } from './token.ts'

export interface PoolOptions {
  readonly spec: LatentSpec
  /** The worker's entry in the fleet; its instances are workers of their own beside it. */
  readonly worker: Worker
  readonly backend: OpenBackend
  readonly templates: RenderedTemplates
  readonly fleet: Fleet
  readonly tools: LatentTools
  readonly cluster: string
  readonly clusterKey: Buffer
  /** Milliseconds. */
  readonly maxDisconnected: number
  readonly delivery: (spec: LatentSpec) => Promise<AgentDelivery>
  /** Of the plan that holds now. */
  readonly isKept: (id: string) => boolean
  readonly meantFor: (id: string) => readonly number[] | undefined
  readonly changed: () => void
  /** It has a new instance, of which nothing is asked of the provider yet. */
  readonly started: () => void
  /** One of its instances is gone. */
  readonly ended: () => void
}

/** The instances of one latent worker. */
export class Pool {
  readonly #o: PoolOptions
  spec: LatentSpec
  templates: RenderedTemplates
  readonly instances = new Map<string, LiveInstance>()
  /** Ids of instances whose rows are being stored: nobody else's, although nobody looks after them yet. */
  readonly storing = new Set<string>()
  /** Places that are given to instances whose rows are being stored, with their templates. */
  readonly #reserved = new Map<number, string>()
  /** Places that another master's instances have, or those of a worker that is no longer known, and until when that is believed. */
  readonly #elsewhere = new Map<number, number>()

  constructor(options: PoolOptions) {
    this.#o = options
    this.spec = options.spec
    this.templates = options.templates
    if (this.spec.budgetPerDay !== null) this.closed = 'is looking at what it has spent today'
  }

  get name(): string {
    return this.spec.name
  }

  /** Anew when it has left the config and come back. */
  get worker(): Worker {
    return this.#o.fleet.get(this.name) ?? this.#o.worker
  }

  get backend(): OpenBackend {
    return this.#o.backend
  }

  /** Why nothing more is started for now: its budget. */
  closed: string | undefined

  get size(): number {
    return this.instances.size + this.#reserved.size
  }

  /** The config has changed. */
  reconfigure(spec: LatentSpec, templates: RenderedTemplates): void {
    this.spec = spec
    this.templates = templates
    for (const instance of this.instances.values()) {
      instance.worker.spec = spec.worker
      instance.handle({ type: 'reconfigured' })
    }
  }

  /** Goes on with one that an earlier master has begun. */
  adopt(stored: StoredInstance, startedFor: readonly number[] = []): LiveInstance {
    const { fleet } = this.#o
    const pool = this.worker
    const { id, number } = stored.facts
    const worker = new Worker(stored.facts.workerId, this.spec.worker, { id, number, pool })
    const instance: LiveInstance = new LiveInstance({
      ...stored,
      worker,
      backend: this.#o.backend,
      tools: this.#o.tools,
      rules: () => this.#rules,
      spec: () => this.#specOf(instance),
      isKept: () => this.#o.isKept(id),
      // The plan knows it only a moment after its start, which may have failed by then.
      meantFor: () => this.#o.meantFor(id) ?? startedFor,
      changed: () => this.#changed(instance),
    })
    this.instances.set(id, instance)
    fleet.roster.addInstance(worker)
    return instance
  }

  /** Stores a new one and asks the provider for it. */
  async start(
    { hash, template }: { hash: string; template: unknown },
    startedFor: readonly number[],
  ): Promise<void> {
    const { worker } = this
    const { tools } = this.#o
    const number = this.#freeNumber()
    const id = newInstanceId(this.#o.cluster, this.name, number)
    this.#reserved.set(number, hash)
    this.storing.add(id)
    try {
      const now = tools.clock.now()
      const { backend, startTimeout, pricePerHour } = this.spec
      const stored: StoredInstance = {
        facts: {
          id,
          workerId: worker.rowId,
          worker: this.name,
          number,
          backend: backend.key,
          template,
          templateHash: hash,
          pricePerHour,
        },
        row: newRow(id, now, startTimeout * 1000),
        credentialHash: null,
      }
      await tools.store((trx) => insertInstance(trx, stored, tools.master))
      const instance = this.adopt(stored, startedFor)
      // The config may have changed while it was being stored.
      this.#o.started()
      tools.publish({
        type: 'instance.changed',
        instance: id,
        name: instance.worker.name,
        worker: this.name,
        state: 'requested',
      })
      instance.begin()
    } catch (error) {
      if (!isPlaceTaken(error)) throw error
      this.#elsewhere.set(number, tools.clock.now() + elsewhereMs)
    } finally {
      this.#reserved.delete(number)
      this.storing.delete(id)
    }
    this.#o.changed()
  }

  /** One that is made of an older image than the worker's makes way, if it is its turn. */
  rollOver({ fails }: { fails: boolean }): void {
    const isOutdated = (id: string) => this.templates.isOutdated(this.instances.get(id)?.facts.template)
    const next = nextToReplace(this.planned, { fails, isOutdated })
    if (next !== undefined)
      this.instances.get(next)!.handle({ type: 'unwanted', reason: 'its image was replaced' })
  }

  /** As the plan sees them. */
  get planned(): PlannedInstance[] {
    const reserved = [...this.#reserved].map(([number, templateHash]) => ({
      id: `reserved ${number}`,
      name: `${this.name}/${number}`,
      templateHash,
      phase: 'starting' as const,
      places: 0,
      sentence: 'is starting',
    }))
    return [...[...this.instances.values()].map(plannedOf), ...reserved]
  }

  #changed(instance: LiveInstance): void {
    const { facts, row, worker } = instance
    if (row.state === 'gone' && worker.places.size === 0) {
      this.instances.delete(facts.id)
      this.#o.backend.forget(facts.id)
      this.#o.fleet.removeInstance(worker, 'this instance has ended')
      this.#o.ended()
    }
    this.#o.changed()
  }

  get #rules(): InstanceRules {
    const { buildWaitTimeout, maxAge, maxBuildsPerInstance, maxStartAttempts, park, reset, startTimeout } =
      this.spec
    return {
      startTimeout: startTimeout * 1000,
      reset,
      // Nothing will wake it.
      park: park && this.worker.admin.state !== 'draining',
      maxStartAttempts,
      buildWaitTimeout: buildWaitTimeout * 1000,
      maxAge: maxAge * 1000,
      maxBuilds: maxBuildsPerInstance,
      maxDisconnected: this.#o.maxDisconnected,
      listLag: this.#o.backend.listLag,
    }
  }

  async #specOf({ facts, row, worker }: LiveInstance): Promise<InstanceSpec<unknown>> {
    const { clusterKey, delivery } = this.#o
    return {
      id: facts.id,
      worker: this.name,
      name: worker.name,
      template: facts.template,
      generation: row.generation,
      token: instanceToken(clusterKey, facts.id, row.generation),
      agent: await delivery(this.spec),
      expiresAt: new Date(row.createdAt + this.spec.maxAge * 1000),
    }
  }

  #freeNumber(): number {
    // Also those of the same name that are ending.
    const taken = new Set(this.#o.fleet.roster.buildersOf(this.name).map((worker) => worker.number))
    const now = this.#o.tools.clock.now()
    const isElsewhere = (number: number) => now < (this.#elsewhere.get(number) ?? 0)
    let number = 1
    while (taken.has(number) || this.#reserved.has(number) || isElsewhere(number)) number++
    return number
  }
}

function plannedOf({ facts, row, worker }: LiveInstance): PlannedInstance {
  const { state, stopReason } = row
  const ending = state === 'stopping' || state === 'gone' || stopReason !== null
  return {
    id: facts.id,
    name: worker.name,
    templateHash: facts.templateHash,
    phase: ending ? 'ending' : phases[state],
    places: worker.places.size,
    sentence: worker.hindrance() ?? worker.sentence,
  }
}

const phases: Readonly<Record<InstanceState, PlannedInstance['phase']>> = {
  requested: 'starting',
  starting: 'starting',
  sealing: 'starting',
  resetting: 'resetting',
  parking: 'parking',
  parked: 'parked',
  attached: 'live',
  busy: 'live',
  stopping: 'ending',
  gone: 'ending',
}

function newRow(id: string, now: number, startTimeout: number): InstanceRow {
  return {
    id,
    state: 'requested',
    generation: 1,
    attempt: 1,
    ref: null,
    detail: null,
    deadline: now + startTimeout,
    retryAt: null,
    createdAt: now,
    changedAt: now,
    idleSince: null,
    builds: 0,
    parkings: 0,
    stopReason: null,
    unseenSince: null,
  }
}

function isPlaceTaken(error: unknown): boolean {
  return (error as { constraint?: unknown } | undefined)?.constraint === 'instances_one_per_place'
}

const elsewhereMs = 60_000
