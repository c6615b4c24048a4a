import type {
  BackendContext,
  CallOptions,
  Instance,
  InstanceId,
  InstanceSpec,
  WorkerBackend,
} from '../../src/latent/backend.ts'
import type { BackendImages } from '../../src/latent/images/backend-images.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { messageOf } from '../../src/model/errors.ts'
import { systemClock, type Clock } from '../../src/util/clock.ts'
import { Attach } from './attach.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { Ec2Api } from './ec2-api.ts'
import { hasCode } from './ec2-error.ts'
import type { Ec2Template } from './ec2-options.ts'
import { bearing, findMachines, findNotices } from './find-machines.ts'
import { Images } from './images.ts'
import { keptImages } from './kept-images.ts'
import { Launcher } from './launcher.ts'
import { asInstance, isEnding, type Machine } from './machine.ts'
import { Parking } from './parking.ts'
import { Sightings } from './sightings.ts'
import { tags } from './stamps.ts'
import { releaseAddresses, sweep } from './sweep.ts'
import { Terminations } from './terminations.ts'
import { templateMistakes } from './template-mistakes.ts'

/** Instances are machines of EC2, known by their tags. */
export class Ec2Backend implements WorkerBackend<Ec2Template> {
  readonly listLag: number
  readonly images: BackendImages
  readonly #api: Ec2Api
  readonly #attach: Attach
  readonly #clock: Clock
  readonly #context: BackendContext
  readonly #images: Images
  readonly #launcher: Launcher
  readonly #parking: Parking
  readonly #seen: Sightings
  readonly #terminations: Terminations
  #noNotices = false

  static async open(
    options: ConnectionOptions,
    context: BackendContext,
    clock: Clock = systemClock,
  ): Promise<Ec2Backend> {
    return new Ec2Backend(options, context, await Ec2Api.open(options, context, clock), clock)
  }

  private constructor(options: ConnectionOptions, context: BackendContext, api: Ec2Api, clock: Clock) {
    this.listLag = options.listLag ?? defaultListLag
    this.#api = api
    this.#attach = new Attach(api)
    this.#clock = clock
    this.#context = context
    this.#images = new Images(api, clock)
    this.#launcher = new Launcher(api, context.cluster, this.#images)
    this.#parking = new Parking({ api, clock, cluster: context.cluster })
    this.#seen = new Sightings({ clock, kept: this.listLag * 1000 })
    this.#terminations = new Terminations(api)
    const { cluster, log } = context
    this.images = keptImages({ api, clock, cluster, images: this.#images, lag: this.listLag * 1000, log })
  }

  async start(spec: InstanceSpec<Ec2Template>, { signal }: CallOptions): Promise<Instance> {
    const mistakes = templateMistakes({ ...spec.template })
    if (mistakes.length > 0) throw new BackendError('REJECTED', mistakes.join('; '))
    const machine = await this.#launcher.launch(spec, signal)
    this.#seen.add(spec.id, machine)
    const { cluster } = this.#context
    const seen = asInstance(machine) ?? { state: 'failed' as const, detail: machine.reason }
    return { ...seen, id: spec.id, cluster, worker: spec.worker, ref: machine.ref }
  }

  async stop(id: InstanceId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted()
    this.#launcher.forget(id)
    const bearers = this.#seen.of(id) ?? (await this.#find(id, signal))
    const living = bearers.filter((machine) => !isEnding(machine))
    try {
      if (living.length > 0) await this.#terminate(living, signal)
    } catch (error) {
      if (!hasCode(error, /^InvalidInstanceID/)) throw error
      // One of them is gone for good, or not known yet.
      const others = (await this.#find(id, signal)).filter(({ ref }) =>
        living.every((one) => one.ref !== ref),
      )
      for (const machine of [...living, ...others])
        if (!isEnding(machine)) await this.#terminateLate(machine, signal)
    }
    this.#seen.stopped(bearers)
    // Only now, and never a reason to let a machine live: what fails here is swept later.
    if (living.some((machine) => machine.tags[tags.address] === 'new'))
      await releaseAddresses(this.#api, bearing(id, this.#context.cluster), () => true, signal).catch(
        (error: unknown) =>
          this.#context.log.warn({ id }, `its address will be released later: ${messageOf(error)}`),
      )
  }

  async park(id: InstanceId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted()
    await this.#parking.park(id, signal)
  }

  /** Wakes what was parked; EC2 makes no machine pristine. */
  async reset(spec: InstanceSpec<Ec2Template>, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted()
    await this.#parking.wake(spec, signal)
  }

  async list({ signal }: CallOptions): Promise<readonly Instance[]> {
    const begun = this.#seen.begin()
    const where = [{ Name: 'tag-key', Values: [tags.instance] }]
    const machines = await findMachines(this.#api, { signal, urgency: 'list', where })
    const ours = machines.filter((machine) => machine.tags[tags.cluster] === this.#context.cluster)
    this.#seen.replace(ours, begun)
    this.#attach.keep(new Set(ours.map(({ ref }) => ref)))
    const notices = await findNotices(this.#api, machines, { signal, failed: (why) => this.#warnOnce(why) })
    const troubles = new Map<string, string>()
    for (const machine of ours) {
      const trouble = await this.#attach.complete(machine, signal)
      if (trouble !== undefined) troubles.set(machine.ref, trouble)
    }
    return machines.flatMap((machine) => {
      const notice = notices.get(machine.ref)
      const instance = asInstance(machine, troubles.get(machine.ref))
      if (!instance) return []
      if (this.#seen.wasStopped(machine))
        return isOver(machine) ? [] : { ...instance, state: 'stopping' as const }
      if (notice === undefined) return instance
      const detail = `AWS takes the spot instance back: ${notice}; ${machine.description}`
      return { ...instance, state: 'failed' as const, detail }
    })
  }

  async sweep(known: ReadonlySet<InstanceId>, { signal }: CallOptions): Promise<void> {
    const { cluster } = this.#context
    const where = [{ Name: `tag:${tags.cluster}`, Values: [cluster] }]
    const machines = await findMachines(this.#api, { signal, urgency: 'stop', where })
    const listed = new Set(machines.filter((one) => !isOver(one)).map((one) => one.tags[tags.instance]))
    await sweep(this.#api, cluster, (id) => known.has(id) || listed.has(id), signal)
  }

  async close(): Promise<void> {
    this.#images.close()
    this.#api.close()
  }

  async #find(id: InstanceId, signal: AbortSignal): Promise<Machine[]> {
    const where = bearing(id, this.#context.cluster)
    return await findMachines(this.#api, { signal, urgency: 'stop', where })
  }

  async #terminate(machines: readonly Machine[], signal: AbortSignal): Promise<void> {
    const ends = machines.map(async (machine) => {
      await this.#terminations.end(machine.ref, signal)
      this.#seen.ended(machine)
    })
    for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason
  }

  /** EC2 may hear of a machine that it has just made only seconds later. */
  async #terminateLate(machine: Machine, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#terminate([machine], signal)
      } catch (error) {
        if (!hasCode(error, /^InvalidInstanceID/)) throw error
        if (!this.#seen.isNew(machine)) return
      }
      await this.#clock.sleep(lateMs, signal)
    }
  }

  #warnOnce(why: string): void {
    if (this.#noNotices) return
    this.#noNotices = true
    this.#context.log.warn(`${this.#api.where} does not tell which spot instances it takes back: ${why}`)
  }
}

function isOver({ state }: Machine): boolean {
  return state === 'terminated'
}

/** Seconds. AWS promises none; its lists are seconds behind at most times. */
const defaultListLag = 15
const lateMs = 500
