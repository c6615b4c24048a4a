export interface FakeServerOptions {
  readonly ref: string
  readonly name: string
  readonly flavor: string
  readonly zone: string
  readonly metadata: Readonly<Record<string, string>>
  /** What POST /servers was sent. */
  readonly request: Readonly<Record<string, unknown>>
  /** As a shell script. */
  readonly userData: string
  readonly volumes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** When a host was found for it, and when it is ACTIVE. Infinity: never. */
  readonly placedAt: number
  readonly runsAt: number
  /** When lists begin to show it. */
  readonly shownAt: number
}

/** One server of a FakeOpenStack. */
export class FakeServer {
  readonly o: FakeServerOptions
  status: string | undefined
  fault: { readonly at: number; readonly message: string } | undefined
  deletedAt: number | undefined
  /** When it is powered off because it was stopped. */
  offAt: number | undefined
  /** What Nova does with it. */
  busy: { readonly task: string; readonly until: number } | undefined
  /** Infinity: Nova has forgotten that it is to delete it. */
  goneAt = Infinity
  readonly #power = new AbortController()

  constructor(options: FakeServerOptions) {
    this.o = options
  }

  get ref(): string {
    return this.o.ref
  }

  /** The id of the image that it was made of. */
  get image(): string | undefined {
    return (this.o.request.server as { imageRef?: string } | undefined)?.imageRef
  }

  /** The id that its stamp gives it. */
  get id(): string {
    return this.o.metadata['rouse.instance'] ?? ''
  }

  /** Aborted when its power goes. */
  get signal(): AbortSignal {
    return this.#power.signal
  }

  fail(at: number, message: string): void {
    this.fault = { at, message }
    this.#power.abort(new Error(message))
  }

  stop(offAt: number): void {
    this.offAt = offAt
    this.#power.abort(new Error('stopped'))
  }

  powerOff(): void {
    this.status = 'SHUTOFF'
    this.#power.abort(new Error('powered off'))
  }

  end(now: number, goneAt: number): void {
    this.deletedAt ??= now
    this.goneAt = goneAt
    this.#power.abort(new Error('deleted'))
  }

  /** Status and task; undefined: it is not there, or not yet. */
  stateAt(now: number): { status: string; task: string | null } | undefined {
    const { createdAt, placedAt, runsAt } = this.o
    if (now < createdAt || now >= this.goneAt) return undefined
    const deleting = this.deletedAt !== undefined && this.deletedAt <= now
    if (this.fault && this.fault.at <= now) return { status: 'ERROR', task: deleting ? 'deleting' : null }
    if (deleting) return { status: now < runsAt ? 'BUILD' : 'ACTIVE', task: 'deleting' }
    const task = this.busy && now < this.busy.until ? this.busy.task : null
    if (this.offAt !== undefined)
      return now < this.offAt ? { status: 'ACTIVE', task: 'powering-off' } : { status: 'SHUTOFF', task }
    if (this.status) return { status: this.status, task }
    if (now < runsAt) return { status: 'BUILD', task: now < placedAt ? 'scheduling' : 'spawning' }
    return { status: 'ACTIVE', task: null }
  }

  asJson(now: number, { listed = false } = {}): unknown {
    const state = this.stateAt(now)!
    const { createdAt, flavor, metadata, name, ref, volumes, zone } = this.o
    return {
      id: ref,
      name,
      metadata,
      status: state.status,
      image: volumes.length > 0 ? '' : { id: this.image },
      created: `${new Date(createdAt).toISOString().slice(0, 19)}Z`,
      flavor: { original_name: flavor },
      addresses: state.status === 'ACTIVE' ? { 'ci-net': [{ addr: '10.77.0.9', version: 4 }] } : {},
      'OS-EXT-STS:task_state': state.task,
      'OS-EXT-STS:vm_state': state.status.toLowerCase(),
      'OS-EXT-AZ:availability_zone': zone,
      'os-extended-volumes:volumes_attached': volumes.map((id) => ({ id, delete_on_termination: true })),
      // As Nova does it: what was never placed is in a database of its own, whose faults lists do not read.
      ...(state.status === 'ERROR' &&
        this.fault &&
        !(listed && this.fault.message.startsWith('No valid host')) && {
          fault: { code: 500, message: this.fault.message },
        }),
    }
  }
}
