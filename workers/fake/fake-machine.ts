import type { Instance, InstanceSpec } from '../../src/latent/backend.ts'

/** What an instance of a fake worker is made from. */
export interface FakeTemplate {
  /** Any name: two templates that differ need two instances. */
  readonly image?: string
  /** The machine ends by itself at once and says this. */
  readonly crash?: string
  /** `start` refuses it for ever, for this reason. */
  readonly reject?: string
}

export interface FakeMachineOptions {
  readonly ref: string
  readonly cluster: string
  readonly spec: InstanceSpec<FakeTemplate>
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly runsAt: number
  readonly shownAt: number
}

/** One machine of a FakeCloud. What was handed to it, its token too, is in `spec`. */
export class FakeMachine {
  readonly ref: string
  readonly cluster: string
  spec: InstanceSpec<FakeTemplate>
  /** What was written on it; a reset takes it back to its snapshot. */
  disk = new Set<string>()
  readonly createdAt: number
  readonly shownAt: number
  /** Set when it ends by itself. */
  failure: string | undefined
  endedAt: number | undefined
  /** It is shut down, and can be woken. */
  off = false
  runsAt: number
  #life = new AbortController()
  #snapshot = new Set<string>()
  #keepsDisk = false

  constructor(options: FakeMachineOptions) {
    this.ref = options.ref
    this.cluster = options.cluster
    this.spec = options.spec
    this.createdAt = options.createdAt
    this.runsAt = options.runsAt
    this.shownAt = options.shownAt
  }

  get id(): string {
    return this.spec.id
  }

  /** Aborted when its power goes or it is reset; then it has another. */
  get signal(): AbortSignal {
    return this.#life.signal
  }

  /** It ends by itself, and is still there. */
  fail(reason: string): void {
    this.failure ??= reason
    this.#life.abort(new Error(reason))
  }

  seal(): void {
    this.#snapshot = new Set(this.disk)
  }

  /** Shut down with its disk. */
  park(): void {
    this.off = true
    this.#keepsDisk = true
    this.#life.abort(new Error('the machine was shut down'))
  }

  /** What ran on it is gone; it knows the token of this spec and has power again. `dirty`: its disk stays as it was, as of one that was parked. */
  reset(spec: InstanceSpec<FakeTemplate>, { dirty }: { dirty: boolean }): void {
    this.#life.abort(new Error('the machine was reset'))
    this.#life = new AbortController()
    this.spec = spec
    this.off = false
    if (!dirty && !this.#keepsDisk) this.disk = new Set(this.#snapshot)
  }

  end(now: number): void {
    this.endedAt = now
    this.#life.abort(new Error('the machine was ended'))
  }

  asInstance(now: number): Instance {
    const { cluster, failure, id, ref, runsAt } = this
    const common = { id, cluster, worker: this.spec.worker, ref }
    if (failure !== undefined) return { ...common, state: 'failed', detail: failure }
    if (this.off) return { ...common, state: 'stopped', detail: 'it is shut down' }
    return { ...common, state: now < runsAt ? 'starting' : 'running' }
  }
}
