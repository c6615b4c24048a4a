import type { BuilderConfig } from '../config/types.ts'
import type { Worker } from '../fleet/worker.ts'
import type { LockAccess } from '../model/lock.ts'
import { LockTable, type Need } from './locks.ts'
import type { PendingRequest } from './pending-queue.ts'
import type { UnfinishedBuild, UnfinishedStep } from './take-up.ts'

/** A step's turn at its locks. */
export interface Turn {
  /** Why it has to wait; undefined when it has its locks. */
  readonly reason: string | undefined
  readonly needs: readonly Need[]
  /** Resolves when it has its locks. */
  readonly taken: Promise<void>
}

/** The locks of this master: a build's are taken before it starts and kept to its end, a step's while it runs. */
export class LockKeeper {
  readonly #table = new LockTable()
  /** By owner, for people. */
  readonly #labels = new Map<string, string>()
  /** Steps that wait, first come first. */
  readonly #turns = new Map<string, { needs: readonly Need[]; begin: () => void }>()
  readonly #freed: () => void

  /** `freed` is told when a request that waits may have its locks now. */
  constructor(freed: () => void) {
    this.#freed = freed
  }

  get someoneWaits(): boolean {
    return this.#table.someoneWaits
  }

  /** Whether the request stands in line for locks. */
  waits(request: number): boolean {
    return this.#table.waits(ofRequest(request))
  }

  /** Why a request or a step waits; undefined when not for a lock. */
  reason(request: number): string | undefined {
    return this.#reason(ofRequest(request))
  }

  /** The first of the workers on which the request has all its locks now; else it waits in line. */
  takeForRequest(
    { builder, id }: PendingRequest,
    { locks = [] }: Pick<BuilderConfig, 'locks'>,
    workers: readonly Worker[],
  ): Worker | undefined {
    const owner = ofRequest(id)
    if (locks.length === 0 && workers.every((worker) => worker.spec.locks.length === 0)) {
      this.#table.leave(owner)
      return workers[0]
    }
    this.#labels.set(owner, `r${id} of ${builder}`)
    const alternatives = workers.map((worker) => needsOf([...locks, ...worker.spec.locks], worker.name))
    const index = this.#table.take(owner, alternatives)
    return index === undefined ? undefined : workers[index]
  }

  /** The request has a build now. */
  built(request: number, build: { readonly id: number; readonly builder: string }): void {
    const owner = ofRequest(request)
    if (this.#table.holds(owner)) this.#labels.set(owner, labelOf(build))
  }

  /** Of the requests in line, only these could start now: the others keep their places and let them pass. */
  letPass(present: ReadonlySet<number>): void {
    const owners = new Set([...present].map(ofRequest))
    this.#table.letPass((owner) => this.#turns.has(owner) || owners.has(owner))
    this.#grant()
  }

  /** The request does not wait any more, or its build is over. */
  release(request: number): void {
    this.#drop(ofRequest(request))
  }

  /** Takes back what a build of an earlier master held, before anybody else is asked. */
  takeBack(stored: UnfinishedBuild, { locks = [] }: Pick<BuilderConfig, 'locks'>, worker: Worker): void {
    const owner = ofRequest(stored.requestId)
    const label = labelOf(stored)
    this.#hold(owner, label, needsOf([...locks, ...worker.spec.locks], worker.name))
    for (const step of stored.steps) {
      if (step.result !== null) continue
      this.#hold(ofStep(step.id), labelOf(stored, step.name), takenBy(step))
    }
  }

  has(step: number): boolean {
    return this.#table.holds(ofStep(step))
  }

  takeForStep(
    step: { readonly id: number; readonly name: string; readonly locks: readonly LockAccess[] },
    build: { readonly id: number; readonly builder: string; readonly worker: string },
  ): Turn {
    const owner = ofStep(step.id)
    const needs = needsOf(step.locks, build.worker)
    this.#labels.set(owner, labelOf(build, step.name))
    if (this.#table.take(owner, [needs]) !== undefined) {
      return { reason: undefined, needs, taken: Promise.resolve() }
    }
    const { promise: taken, resolve: begin } = Promise.withResolvers<void>()
    this.#turns.set(owner, { needs, begin })
    return { reason: this.#reason(owner), needs, taken }
  }

  /** The step is over, or does not wait any more. */
  releaseStep(step: number): void {
    this.#drop(ofStep(step))
  }

  #hold(owner: string, label: string, needs: readonly Need[]): void {
    if (needs.length === 0) return
    this.#labels.set(owner, label)
    this.#table.hold(owner, needs)
  }

  #drop(owner: string): void {
    if (!this.#labels.delete(owner)) return
    this.#turns.delete(owner)
    this.#table.leave(owner)
    this.#table.release(owner)
    this.#grant()
    if (this.#table.someoneWaits) this.#freed()
  }

  #grant(): void {
    for (const [owner, { begin, needs }] of this.#turns) {
      if (this.#table.take(owner, [needs]) === undefined) continue
      this.#turns.delete(owner)
      begin()
    }
  }

  #reason(owner: string): string | undefined {
    const obstacle = this.#table.obstacle(owner)
    if (!obstacle) return undefined
    const { ahead, holders, name } = obstacle
    const [first, ...more] = (holders.length > 0 ? holders : ahead).map((other) => this.#labels.get(other))
    const others = more.length > 0 ? ` and ${more.length} more` : ''
    return `waits for lock "${name}" ${holders.length > 0 ? 'held by' : 'after'} ${first}${others}`
  }
}

function needsOf(accesses: readonly LockAccess[], worker: string): Need[] {
  return accesses.map(({ count, lock, mode }) => {
    const { maxCount = 1, maxCountForWorker = {}, name, scope } = lock
    if (scope === 'master') return { lock: `master ${name}`, name, maxCount, mode, count }
    const most = Object.hasOwn(maxCountForWorker, worker) ? maxCountForWorker[worker]! : maxCount
    return { lock: `worker ${worker} ${name}`, name, maxCount: most, mode, count: Math.min(count, most) }
  })
}

/** What a step had taken under an earlier master. */
function takenBy({ stored }: UnfinishedStep): readonly Need[] {
  const effect = stored.effects.find(({ kind }) => kind === locksEffect)
  return effect ? (effect.request as readonly Need[]) : []
}

function labelOf(build: { readonly id: number; readonly builder: string }, step?: string): string {
  return `build ${build.id} of ${build.builder}${step === undefined ? '' : `, step "${step}"`}`
}

function ofRequest(id: number): string {
  return `r${id}`
}

function ofStep(id: number): string {
  return `step ${id}`
}

/** The kind of the effect by which a step's locks are stored. */
export const locksEffect = 'locks'
