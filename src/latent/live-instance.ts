import type { Logger } from 'pino'
import type { Worker } from '../fleet/worker.ts'
import { Alarm } from './alarm.ts'
import type { InstanceSpec } from './backend.ts'
import { hindranceOf } from './hindrance-of.ts'
import type { InstanceEffect, InstanceEvent, InstanceRules, ResetWay } from './instance-event.ts'
import { InstanceOrders } from './instance-orders.ts'
import type { InstanceRow } from './instance-row.ts'
import type { LatentTools } from './latent-tools.ts'
import type { InstanceFacts, StoredInstance } from './ledger.ts'
import type { OpenBackend } from './open-backend.ts'
import { storeStep } from './store-step.ts'
import { tellChange } from './tell-change.ts'
import { transition } from './transition.ts'

interface LiveInstanceOptions extends StoredInstance {
  readonly worker: Worker
  readonly backend: OpenBackend
  readonly tools: LatentTools
  readonly rules: () => InstanceRules
  readonly spec: () => Promise<InstanceSpec<unknown>>
  readonly isKept: () => boolean
  /** Requests that it was started for and that still wait. */
  readonly meantFor: () => readonly number[]
  /** Its row has changed and is stored. */
  readonly changed: (instance: LiveInstance) => void
}

/**
 * One instance while it lives. Events come in any order; each is decided at once by the pure rules, stored, and only then
 * acted on, one after the other.
 */
export class LiveInstance {
  readonly facts: InstanceFacts
  readonly worker: Worker
  readonly backend: OpenBackend
  row: InstanceRow
  credentialHash: Buffer | null
  /** What the last generation's agent logged in with, where this master has seen it. */
  #outdated: Buffer | null = null
  readonly #o: LiveInstanceOptions
  readonly #log: Logger
  #storing: Promise<void> = Promise.resolve()
  #stores = 0
  readonly #orders: InstanceOrders
  readonly #alarm: Alarm
  #ended = false
  /** Something could not be stored: nothing is decided until its row counts again. */
  adrift = false

  constructor(options: LiveInstanceOptions) {
    this.#o = options
    this.facts = options.facts
    this.worker = options.worker
    this.backend = options.backend
    this.row = options.row
    this.credentialHash = options.credentialHash
    this.#log = options.tools.log.child({ instance: options.worker.name, id: options.facts.id })
    this.#orders = new InstanceOrders({
      ...options,
      log: this.#log,
      row: () => this.row,
      handle: (event) => this.handle(event),
    })
    this.worker.hindrance = () => options.tools.held() ?? hindranceOf(this.row, options.tools.clock.now())
    this.#alarm = new Alarm(options.tools.clock, () => this.#timeHasCome())
    this.#setTimer()
  }

  /** Calls the provider for the first time; the row is stored. */
  begin(): void {
    this.#act({ do: 'start' })
  }

  handle(event: InstanceEvent): void {
    const { tools } = this.#o
    if (this.#ended || this.adrift || tools.held() !== undefined) return
    const moment = {
      now: tools.clock.now(),
      connected: this.isConnected,
      isReset: this.#orders.resetDone === this.row.generation,
      places: this.worker.places.size,
      kept: this.#o.isKept(),
    }
    const before = this.row
    const decided = transition({ row: before, rules: this.#o.rules(), moment }, event)
    if (!decided) {
      // The last of its builds may end after it has.
      if (before.state === 'gone') this.#storing = this.#storing.then(() => this.#o.changed(this))
      return
    }
    // What keeps builds from it holds from the decision on, not only once it is stored.
    this.row = decided.row
    if (decided.row.generation !== before.generation) {
      this.#outdated = this.credentialHash
      this.credentialHash = null
    }
    const blame = decided.effects.find((effect) => effect.do === 'blame')
    const requests = blame ? this.#o.meantFor() : []
    const lost = decided.effects.find((effect) => effect.do === 'lose')
    const step = {
      facts: this.facts,
      before,
      after: decided.row,
      failure: blame?.failure,
      requests,
      lost: before.state === 'busy' ? lost?.reason : undefined,
      mostAttempts: this.#o.rules().maxStartAttempts,
      now: new Date(moment.now),
      isWatched: this.worker.spec.missing !== undefined,
    }
    this.#stores++
    this.#storing = this.#storing.then(() => this.#store(step, decided.effects)).finally(() => this.#stores--)
  }

  /** Something that was decided is not done yet: what a list shows now is not what will be. */
  get unsettled(): boolean {
    return this.#stores > 0 || this.#orders.areRunning
  }

  /** Whether the agent of its present generation is connected. */
  get isConnected(): boolean {
    const { session } = this.worker
    return session?.welcomed === true && session.generation === this.row.generation
  }

  /** How it is made pristine after a build. */
  get reset(): ResetWay | null {
    return this.#o.rules().reset
  }

  /** Whether an agent logged in with this before the last reset. */
  isOutdated(credentialHash: Buffer): boolean {
    return this.#outdated?.equals(credentialHash) ?? false
  }

  /** It is known to be ours: what has happened meanwhile counts now. */
  release(): void {
    if (this.isConnected) this.handle({ type: 'attached' })
    this.#setTimer()
  }

  /** Goes on from what is stored, as the next master would. */
  restore({ credentialHash, row }: StoredInstance): void {
    this.adrift = false
    this.row = row
    this.credentialHash = credentialHash
    this.handle({ type: 'adopted' })
    this.release()
  }

  /** Lets go of it as it is; the next master goes on. Resolves when what was decided is stored. */
  async leave(): Promise<void> {
    this.#alarm.stop()
    await this.#storing
    this.#ended = true
    this.#alarm.stop()
  }

  /** Waits for what is done outside. */
  async settled(): Promise<void> {
    await this.#storing
    await this.#orders.settled()
  }

  async #store(step: Parameters<typeof storeStep>[1], effects: readonly InstanceEffect[]): Promise<void> {
    if (this.#ended || this.adrift) return
    const { tools } = this.#o
    try {
      const stored = await tools.store((trx) => storeStep(trx, step, tools))
      if (!stored) {
        this.#log.warn('another master looks after it')
        this.#ended = true
        return
      }
      if (step.failure) tools.observer.startFailed(this.facts.worker, step.failure.code)
      if (step.failure) tools.blamed(this.facts, stored.backoff, stored.requests, step.failure)
    } catch (error) {
      // The row is as it was: this master takes it up again from there, or the next one does.
      this.#log.error({ err: error }, 'an instance could not be stored')
      this.adrift = true
      return
    }
    tellChange(this, step, tools, this.#log)
    for (const effect of effects) this.#act(effect)
    this.#setTimer()
    this.#o.changed(this)
  }

  #act(effect: InstanceEffect): void {
    // The lease may have been lost while this was being stored: the next master does it.
    if (this.#o.tools.held() !== undefined) return
    switch (effect.do) {
      case 'reset':
        this.#o.tools.disconnect(this.worker, 'this instance is being reset')
        return this.#orders.give('reset')
      case 'start':
      case 'stop':
      case 'seal':
      case 'park':
        return this.#orders.give(effect.do)
      case 'retire':
        return this.worker.session?.send({ type: 'retire' })
      case 'lose':
        return this.#o.tools.lose(this.worker, effect.reason)
      case 'blame':
        return
    }
  }

  #setTimer(): void {
    const { deadline, retryAt } = this.row
    const isIdle = this.#ended || this.#o.tools.held() !== undefined
    this.#alarm.set(isIdle ? Infinity : Math.min(deadline ?? Infinity, retryAt ?? Infinity))
  }

  #timeHasCome(): void {
    const { row } = this
    this.handle({ type: 'time' })
    // Somebody else was faster, and nothing came of it: what is set holds.
    if (this.row === row) this.#setTimer()
  }
}
