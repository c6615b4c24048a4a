/** A worker's instances, as the plan needs to see them. */
export interface PlannedPool {
  readonly worker: string
  readonly max: number
  readonly minIdle: number
  /** Builds that one instance takes at once. */
  readonly maxBuilds: number
  /** Why nothing is started at all: paused, over its budget. */
  readonly closed?: string | undefined
  /** It is being drained: what is parked ends. */
  readonly drained?: boolean | undefined
  /** What is started to have some idle ones; undefined: only what is asked for. */
  readonly template?: PlannedTemplate | undefined
  readonly instances: readonly PlannedInstance[]
}

export interface PlannedTemplate {
  readonly hash: string
  /** Why it is not started now: its back-off. */
  readonly held?: string | undefined
}

export interface PlannedInstance {
  readonly id: string
  readonly name: string
  readonly templateHash: string
  /** 'live': its agent was there. 'resetting': it will be there again in a moment. 'parked': when it is woken. */
  readonly phase: 'starting' | 'live' | 'resetting' | 'parking' | 'parked' | 'ending'
  /** Builds that hold a place. */
  readonly places: number
  /** Why it is not there yet: 'is starting, attempt 2'. */
  readonly sentence: string
}

/** A request that waits, with the pools that could build it in order of preference. */
export interface PlannedRequest {
  readonly id: number
  readonly choices: readonly { readonly worker: string; readonly template: PlannedTemplate }[]
}

export interface Plan {
  readonly starts: readonly {
    readonly worker: string
    readonly templateHash: string
    /** Those it is for; none: to have an idle one. */
    readonly requests: readonly number[]
  }[]
  /** Parked ones that are wanted. */
  readonly wakes: readonly string[]
  /** Instances that nobody waits for, or that make room. */
  readonly unwanted: readonly { readonly id: string; readonly reason: string }[]
  /** For whom each instance that is starting is meant. */
  readonly meantFor: ReadonlyMap<string, readonly number[]>
  /** Idle ones that are kept. */
  readonly kept: ReadonlySet<string>
  readonly reasons: ReadonlyMap<number, string>
}

/** Decides what is started and what is not needed. Pure; made anew whenever something changes. */
export function plan(pools: readonly PlannedPool[], requests: readonly PlannedRequest[]): Plan {
  const drafts = new Map(pools.map((pool) => [pool.worker, new Draft(pool)]))
  const reasons = new Map<number, string>()
  for (const { choices, id } of requests) {
    const options = choices.flatMap(({ template, worker }) => {
      const draft = drafts.get(worker)
      return draft ? [{ draft, template }] : []
    })
    const reason =
      first(options, ({ draft, template }) => draft.join(id, template, 'live')) ??
      first(options, ({ draft, template }) => draft.join(id, template, 'resetting')) ??
      first(options, ({ draft, template }) => draft.join(id, template, 'starting')) ??
      first(options, ({ draft, template }) => draft.wake(id, template)) ??
      first(options, ({ draft, template }) => draft.join(id, template, 'parking')) ??
      first(options, ({ draft, template }) => draft.start(id, template)) ??
      first(options, ({ draft, template }) => draft.makeRoom(template)) ??
      options.map(({ draft, template }) => draft.obstacle(template)).join('; ')
    if (reason) reasons.set(id, reason)
  }
  for (const draft of drafts.values()) draft.keepIdle()
  const all = [...drafts.values()]
  return {
    starts: all.flatMap((draft) => draft.starts),
    wakes: all.flatMap((draft) => [...draft.wakes]),
    unwanted: all.flatMap((draft) => [...draft.makingRoom, ...draft.surplus()]),
    meantFor: new Map(all.flatMap((draft) => [...draft.meantFor])),
    kept: new Set(all.flatMap((draft) => [...draft.kept])),
    reasons,
  }
}

function first<T>(options: readonly T[], attempt: (option: T) => string | undefined): string | undefined {
  for (const option of options) {
    const reason = attempt(option)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** One pool while the plan is made. */
class Draft {
  readonly #pool: PlannedPool
  readonly starts: { worker: string; templateHash: string; requests: number[] }[] = []
  readonly wakes = new Set<string>()
  readonly makingRoom: { id: string; reason: string }[] = []
  readonly meantFor = new Map<string, number[]>()
  readonly kept = new Set<string>()
  /** Places that are free on instances that are there or coming, by instance; new ones by their index. */
  readonly #room = new Map<string, number>()

  constructor(pool: PlannedPool) {
    this.#pool = pool
    for (const { id, phase, places } of pool.instances)
      if (phase !== 'ending') this.#room.set(id, pool.maxBuilds - places)
  }

  /** A place on an instance of this phase. */
  join(request: number, { hash }: PlannedTemplate, phase: PlannedInstance['phase']): string | undefined {
    const instance = this.#pool.instances.find(
      (i) => this.#phaseOf(i) === phase && i.templateHash === hash && (this.#room.get(i.id) ?? 0) > 0,
    )
    // Once it is parked it is to be woken.
    if (phase === 'parking' && this.#pool.closed !== undefined) return undefined
    if (!instance) return phase === 'starting' ? this.#joinNew(request, hash) : undefined
    this.#give(instance, request)
    if (phase === 'live') return `${instance.name} is free`
    return `${instance.name} ${instance.sentence}`.replace(/^(\S+) is starting/, 'starting $1')
  }

  /** One that is parked is used before a new one. */
  wake(request: number | undefined, { hash, held }: PlannedTemplate): string | undefined {
    if (this.#pool.closed !== undefined || held !== undefined) return undefined
    const parked = this.#pool.instances.find(
      (i) => this.#phaseOf(i) === 'parked' && i.templateHash === hash && !this.#makesRoom(i.id),
    )
    if (!parked) return undefined
    this.wakes.add(parked.id)
    if (request !== undefined) this.#give(parked, request)
    return `waking ${parked.name}`
  }

  start(request: number | undefined, { hash, held }: PlannedTemplate): string | undefined {
    const { closed, max, maxBuilds, worker } = this.#pool
    if (closed !== undefined || held !== undefined || this.#size >= max) return undefined
    this.#room.set(`new ${this.starts.length}`, maxBuilds - (request === undefined ? 0 : 1))
    this.starts.push({ worker, templateHash: hash, requests: request === undefined ? [] : [request] })
    return `starting an instance of ${worker}`
  }

  /** One of another template ends that is parked, or else idle. */
  makeRoom({ hash, held }: PlannedTemplate): string | undefined {
    if (this.#pool.closed !== undefined || held !== undefined) return undefined
    const idle = (['parked', 'parking', 'live'] as const)
      .flatMap((phase) => this.#pool.instances.filter((instance) => this.#phaseOf(instance) === phase))
      .find(
        ({ id, places, templateHash }) =>
          places === 0 && templateHash !== hash && !this.meantFor.has(id) && !this.#makesRoom(id),
      )
    if (!idle) return undefined
    this.makingRoom.push({ id: idle.id, reason: 'it makes room for another template' })
    this.#room.delete(idle.id)
    return `${idle.name} makes room`
  }

  keepIdle(): void {
    const { instances, minIdle, template } = this.#pool
    let idle = 0
    for (const instance of instances) {
      const { id, places } = instance
      if (isOut(this.#phaseOf(instance)) || places > 0 || this.meantFor.has(id) || idle >= minIdle) continue
      if (this.#makesRoom(id)) continue
      idle++
      this.kept.add(id)
    }
    while (template && idle++ < minIdle)
      if ((this.wake(undefined, template) ?? this.start(undefined, template)) === undefined) break
  }

  /** Started for somebody who has been cancelled or has found another place; parked although nothing may wake it. */
  surplus(): { id: string; reason: string }[] {
    const { drained, instances, max } = this.#pool
    const unused = instances
      .filter(({ id, phase }) => phase === 'starting' && !this.meantFor.has(id) && !this.kept.has(id))
      .map(({ id }) => ({ id, reason: 'nobody waits for it any more' }))
    const parked = instances.filter(
      (one) => isParked(this.#phaseOf(one)) && !this.meantFor.has(one.id) && !this.#makesRoom(one.id),
    )
    if (drained)
      return [...unused, ...parked.map(({ id }) => ({ id, reason: 'its worker is being drained' }))]
    const lasting = instances.filter(({ id, phase }) => phase !== 'ending' && !this.#makesRoom(id))
    const over = parked.slice(0, Math.max(0, lasting.length - max))
    return [...unused, ...over.map(({ id }) => ({ id, reason: `there may be ${max} of them only` }))]
  }

  obstacle({ held }: PlannedTemplate): string {
    const { closed, instances, max, worker } = this.#pool
    if (closed !== undefined) return `${worker} ${closed}`
    if (held !== undefined) return `${worker} ${held}`
    const ending = instances.find(({ phase }) => phase === 'ending')
    if (ending) return `${ending.name} ${ending.sentence}`
    return max === 1 ? `${worker} is busy` : `all ${max} instances of ${worker} are busy`
  }

  /** Counts a place on it as the request's. */
  #give({ id }: PlannedInstance, request: number): void {
    this.#room.set(id, this.#room.get(id)! - 1)
    this.meantFor.set(id, [...(this.meantFor.get(id) ?? []), request])
  }

  /** A parked one that is to be woken will be there in a moment. */
  #phaseOf({ id, phase }: PlannedInstance): PlannedInstance['phase'] {
    return this.wakes.has(id) ? 'resetting' : phase
  }

  #makesRoom(id: string): boolean {
    return this.makingRoom.some((other) => other.id === id)
  }

  get #size(): number {
    return this.#pool.instances.length + this.starts.length
  }

  #joinNew(request: number, hash: string): string | undefined {
    const index = this.starts.findIndex(
      (start, i) => start.templateHash === hash && (this.#room.get(`new ${i}`) ?? 0) > 0,
    )
    if (index < 0) return undefined
    this.#room.set(`new ${index}`, this.#room.get(`new ${index}`)! - 1)
    this.starts[index]!.requests.push(request)
    return `starting an instance of ${this.#pool.worker}`
  }
}

function isParked(phase: PlannedInstance['phase']): boolean {
  return phase === 'parking' || phase === 'parked'
}

/** Not there, and not about to be. */
function isOut(phase: PlannedInstance['phase']): boolean {
  return phase === 'ending' || isParked(phase)
}
