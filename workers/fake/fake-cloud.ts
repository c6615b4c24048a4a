import { BackendError } from '../../src/latent/backend-error.ts'
import type { Instance, InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import { systemClock, type Clock } from '../../src/util/clock.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import { untilAborted } from './until-aborted.ts'
import type { FakeApi } from './fake-api.ts'
import { noFault, type FakeCall, type FakeFault, type FakeOperation } from './fake-fault.ts'
import { FakeMachine, type FakeTemplate } from './fake-machine.ts'

export interface FakeCloudOptions {
  readonly clock?: Clock
  /** Seconds until a list shows that a machine is there or gone. Default 0. */
  readonly listLag?: number
  /** Milliseconds that a machine is 'starting'. Default 0. */
  readonly bootTime?: number
  /** Machines at most. Default: no limit. */
  readonly capacity?: number
  /** Calls in any second at most. Default: no limit. */
  readonly callsPerSecond?: number
  /** What a machine does once it has power; it is to end when `machine.signal` is aborted. */
  readonly boot?: (machine: FakeMachine) => Promise<void> | void
}

/** A provider of machines in the memory of this process. Every call is recorded, and any call can be made to go wrong. */
export class FakeCloud implements FakeApi {
  readonly calls: FakeCall[] = []
  /** Disks that were kept, by what the provider calls them. */
  readonly images = new Map<string, Set<string>>()
  /** Which version an image to begin with has. Default 1. */
  readonly bases = new Map<string, number>()
  /** What goes wrong in a call, asked when no fault was planned for it. */
  chance: (operation: FakeOperation, id: InstanceId | undefined) => FakeFault | undefined = () => undefined
  /** Awaited before a call does something and before it answers. */
  witness: (call: FakeCall, moment: 'asked' | 'done') => Promise<void> | void = () => {}
  capacity: number
  callsPerSecond: number
  boot: (machine: FakeMachine) => Promise<void> | void
  readonly listLag: number
  readonly #clock: Clock
  readonly #bootTime: number
  readonly #planned: { readonly operation: FakeOperation; readonly fault: FakeFault }[] = []
  readonly #machines = new Set<FakeMachine>()
  readonly #running = new Set<Promise<void>>()
  #refs = 0

  constructor(options: FakeCloudOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.listLag = options.listLag ?? 0
    this.#bootTime = options.bootTime ?? 0
    this.capacity = options.capacity ?? Infinity
    this.callsPerSecond = options.callsPerSecond ?? Infinity
    this.boot = options.boot ?? (() => {})
  }

  /** Something goes wrong in the next calls of this kind, in this order. */
  plan(operation: FakeOperation, ...faults: FakeFault[]): void {
    this.#planned.push(...faults.map((fault) => ({ operation, fault })))
  }

  /** Machines that exist, whatever lists show, in the order of their making. */
  get machines(): FakeMachine[] {
    return [...this.#machines].filter(({ endedAt }) => endedAt === undefined)
  }

  start(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<Instance> {
    return this.#call('start', spec.id, signal, (fault) => this.#start(spec, cluster, fault))
  }

  stop(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    return this.#call('stop', id, signal, () => {
      for (const machine of this.machines)
        if (machine.id === id && machine.cluster === cluster) this.remove(machine)
    })
  }

  seal(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    return this.#call('seal', id, signal, async () => {
      const machine = this.#alive(id, cluster)
      if (machine.runsAt > this.#clock.now())
        await this.#clock.sleep(machine.runsAt - this.#clock.now(), signal)
      machine.seal()
    })
  }

  reset(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<void> {
    return this.#call('reset', spec.id, signal, ({ dirty = false, pretended = false }) => {
      const machine = this.#alive(spec.id, cluster)
      if (pretended) return
      if (machine.off) machine.runsAt = this.#clock.now() + this.#bootTime
      machine.reset(spec, { dirty })
      this.#power(machine)
    })
  }

  park(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    return this.#call('park', id, signal, () => this.#alive(id, cluster).park())
  }

  list(signal: AbortSignal): Promise<Instance[]> {
    return this.#call('list', undefined, signal, () => this.#list())
  }

  identify(from: string, signal: AbortSignal): Promise<string> {
    return this.#call('identify', undefined, signal, () => `${from} ${this.bases.get(from) ?? 1}`)
  }

  keep(id: InstanceId, { hash, name }: ImageStamp, cluster: string, signal: AbortSignal): Promise<string> {
    return this.#call('keep', id, signal, () => {
      const machine = this.#alive(id, cluster)
      const ref = `${cluster}/${name}@${hash}`
      this.images.set(ref, new Set(machine.disk))
      return ref
    })
  }

  listImages(cluster: string, signal: AbortSignal): Promise<string[]> {
    return this.#call('images', undefined, signal, () =>
      [...this.images.keys()].filter((ref) => ref.startsWith(`${cluster}/`)),
    )
  }

  removeImage(ref: string, signal: AbortSignal): Promise<void> {
    return this.#call('removeImage', undefined, signal, () => void this.images.delete(ref))
  }

  /** A machine comes to be without a call: of another cluster, half-made (`runsAt: Infinity`), nobody's. */
  add(
    spec: InstanceSpec<FakeTemplate>,
    cluster: string,
    { lateBy = 0, runsAt }: { lateBy?: number; runsAt?: number } = {},
  ): FakeMachine {
    const createdAt = this.#clock.now()
    const machine = new FakeMachine({
      ref: `fake-${++this.#refs}`,
      cluster,
      spec,
      createdAt,
      runsAt: runsAt ?? createdAt + this.#bootTime,
      shownAt: createdAt + this.listLag * 1000 + lateBy,
    })
    machine.disk = new Set(this.images.get(spec.template.image ?? ''))
    this.#machines.add(machine)
    if (spec.template.crash !== undefined) machine.fail(spec.template.crash)
    else if (machine.runsAt < Infinity) this.#power(machine)
    return machine
  }

  /** A machine goes, also without a call: it vanishes. */
  remove(machine: FakeMachine): void {
    machine.end(this.#clock.now())
    this.#forgetOld()
  }

  /** Ends all machines and waits for what they ran. */
  async close(): Promise<void> {
    for (const machine of this.machines) this.remove(machine)
    await Promise.all(this.#running)
  }

  async #call<T>(
    operation: FakeOperation,
    id: InstanceId | undefined,
    signal: AbortSignal,
    act: (fault: FakeFault) => T | Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const call: FakeCall = { operation, id, at: this.#clock.now(), outcome: 'open' }
    this.calls.push(call)
    const throttled = this.#throttles(call)
    try {
      await this.witness(call, 'asked')
      if (throttled) throw new BackendError('CAPACITY', 'too many calls, try again later')
      const answer = await this.#carryOut(call, signal, act)
      call.outcome = 'ok'
      await this.witness(call, 'done')
      return answer
    } catch (error) {
      call.outcome = 'failed'
      throw error
    }
  }

  async #carryOut<T>(
    call: FakeCall,
    signal: AbortSignal,
    act: (fault: FakeFault) => T | Promise<T>,
  ): Promise<T> {
    const fault = this.#faultOf(call)
    if (fault.delay !== undefined) await this.#clock.sleep(fault.delay, signal)
    signal.throwIfAborted()
    if (fault.hang) return await untilAborted(signal)
    if (fault.error && !fault.done) throw errorOf(fault.error)
    const answer = await act(fault)
    if (fault.hangAfter) return await untilAborted(signal)
    if (fault.error) throw errorOf(fault.error)
    return answer
  }

  #start(spec: InstanceSpec<FakeTemplate>, cluster: string, fault: FakeFault): Instance {
    const { template } = spec
    if (template.reject !== undefined) throw new BackendError('REJECTED', template.reject)
    const present = this.machines.find((machine) => machine.id === spec.id && machine.cluster === cluster)
    // The same id is the same machine: a master that was killed in the middle asks again.
    if (present) {
      if (present.runsAt === Infinity) {
        present.runsAt = this.#clock.now() + this.#bootTime
        this.#power(present)
      }
      return present.asInstance(this.#clock.now())
    }
    if (this.machines.length >= this.capacity)
      throw new BackendError('CAPACITY', `there is room for ${this.capacity} machines only`)
    const machine = this.add(spec, cluster, fault)
    if (fault.twice) this.add(spec, cluster, fault)
    if (fault.crash !== undefined) machine.fail(fault.crash)
    if (fault.vanish) this.remove(machine)
    return machine.asInstance(this.#clock.now())
  }

  #alive(id: InstanceId, cluster: string): FakeMachine {
    const machine = this.machines.find((one) => one.id === id && one.cluster === cluster)
    if (!machine || machine.failure !== undefined) throw new Error(`there is no machine ${id} that runs`)
    return machine
  }

  #list(): Instance[] {
    const now = this.#clock.now()
    this.#forgetOld()
    return [...this.#machines]
      .filter(({ shownAt }) => shownAt <= now)
      .map((machine) => machine.asInstance(now))
  }

  // What has ended is shown for as long as the list lags.
  #forgetOld(): void {
    const now = this.#clock.now()
    for (const machine of this.#machines)
      if (machine.endedAt !== undefined && machine.endedAt + this.listLag * 1000 <= now)
        this.#machines.delete(machine)
  }

  #power(machine: FakeMachine): void {
    const { signal } = machine
    const running = Promise.resolve()
      .then(() => this.boot(machine))
      .catch((error: unknown) => {
        if (!signal.aborted) machine.fail(`it could not boot: ${String(error)}`)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  #faultOf({ id, operation }: FakeCall): FakeFault {
    const index = this.#planned.findIndex((planned) => planned.operation === operation)
    if (index < 0) return this.chance(operation, id) ?? noFault
    return this.#planned.splice(index, 1)[0]!.fault
  }

  #throttles({ at }: FakeCall): boolean {
    if (this.callsPerSecond === Infinity) return false
    return this.calls.filter((call) => at - call.at < 1000).length > this.callsPerSecond
  }
}

function errorOf({ code, message }: NonNullable<FakeFault['error']>): Error {
  return code === undefined ? new Error(message) : new BackendError(code, message)
}
