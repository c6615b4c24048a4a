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
import { Addresses } from './addresses.ts'
import { Complete } from './complete.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { Faults } from './faults.ts'
import { keptImages } from './kept-images.ts'
import { Launcher, best } from './launcher.ts'
import { Looks } from './looks.ts'
import { Names } from './names.ts'
import { OpenStackApi, unlessGone } from './openstack-api.ts'
import type { OpenStackTemplate } from './openstack-options.ts'
import { asInstance, isDeleting, isOver, type Server } from './server.ts'
import { Sightings } from './sightings.ts'
import { stamps } from './stamps.ts'
import { templateMistakes } from './template-mistakes.ts'
import { Volumes } from './volumes.ts'

/** Instances are servers of Nova, known by their metadata. */
export class OpenStackBackend implements WorkerBackend<OpenStackTemplate> {
  readonly listLag: number
  readonly images: BackendImages
  readonly #addresses: Addresses
  readonly #api: OpenStackApi
  readonly #complete: Complete
  readonly #context: BackendContext
  readonly #faults: Faults
  readonly #launcher: Launcher
  readonly #looks: Looks
  readonly #names: Names
  readonly #seen: Sightings
  readonly #volumes: Volumes

  static async open(
    options: ConnectionOptions,
    context: BackendContext,
    clock: Clock = systemClock,
  ): Promise<OpenStackBackend> {
    return new OpenStackBackend(options, context, await OpenStackApi.open(options, context, clock), clock)
  }

  private constructor(options: ConnectionOptions, context: BackendContext, api: OpenStackApi, clock: Clock) {
    const { cluster } = context
    this.listLag = options.listLag ?? defaultListLag
    this.#api = api
    this.#context = context
    this.#addresses = new Addresses(api, cluster)
    this.#volumes = new Volumes(api, cluster)
    this.#faults = new Faults(api)
    this.#names = new Names(api, clock)
    this.#seen = new Sightings({ clock, cluster, kept: this.listLag * 1000 })
    this.#looks = new Looks(api, clock, (look) => this.#seen.look(look))
    this.images = keptImages({
      api,
      clock,
      cluster,
      lag: this.listLag * 1000,
      log: context.log,
      looks: this.#looks,
      names: this.#names,
      seen: this.#seen,
    })
    this.#complete = new Complete({
      addresses: this.#addresses,
      api,
      names: this.#names,
      volumes: this.#volumes,
    })
    this.#launcher = new Launcher({
      api,
      cluster,
      faults: this.#faults,
      looks: this.#looks,
      names: this.#names,
      seen: this.#seen,
      remove: (server, signal) => this.#remove(server, signal),
    })
  }

  async start(spec: InstanceSpec<OpenStackTemplate>, { signal }: CallOptions): Promise<Instance> {
    const mistakes = templateMistakes({ ...spec.template })
    if (mistakes.length > 0) throw new BackendError('REJECTED', mistakes.join('; '))
    const server = await this.#launcher.launch(spec, signal)
    const { detail, state } = asInstance(server) ?? {
      state: 'failed' as const,
      detail: 'it was deleted at once',
    }
    const { cluster } = this.#context
    return { id: spec.id, cluster, worker: spec.worker, ref: server.ref, state, ...(detail && { detail }) }
  }

  async stop(id: InstanceId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted()
    // A start that was given up may still make a server.
    await this.#launcher.settled(id, signal)
    if (this.#seen.of(id).length === 0) await this.#looks.now(signal)
    const bearers = this.#seen.of(id)
    for (const server of bearers) {
      const { last = Infinity } = this.#seen.sinceEnded(server) ?? {}
      if (last > repeatMs) await this.#remove(server, signal)
    }
    // Only now, and never a reason to let a server live: what fails here is swept later.
    if (bearers.some(({ metadata }) => /^new( |$)/.test(metadata[stamps.address] ?? '')))
      await this.#addresses.release(id, signal).catch((error: unknown) => {
        this.#context.log.warn({ id }, `its address will be released later: ${messageOf(error)}`)
      })
  }

  async list({ signal }: CallOptions): Promise<readonly Instance[]> {
    const found = await this.#look(signal)
    this.#faults.keep(found)
    // What cannot be explained is listed all the same.
    const explain = (one: Server) => this.#faults.explain(one, signal).catch(() => one)
    const servers = await Promise.all(found.map(explain))
    const ours = servers.filter((one) => this.#isOurs(one) && !isOver(one))
    const doubles = await this.#removeDoubles(ours, signal)
    this.#complete.keep(ours)
    const troubles = new Map<string, string>()
    const incomplete = ours.filter(
      (one) => !isDeleting(one) && !this.#seen.wasEnded(one.ref) && this.#complete.lacks(one),
    )
    // The list itself must not come late for it.
    for (const server of incomplete.slice(0, mostCompleted)) {
      const trouble = await this.#complete.complete(server, signal)
      if (trouble !== undefined) troubles.set(server.ref, trouble)
    }
    return servers.flatMap((server) => {
      const instance = asInstance(server, troubles.get(server.ref))
      if (!instance || doubles.has(server.ref)) return []
      const ended = this.#isOurs(server) ? this.#seen.sinceEnded(server) : undefined
      if (!ended) return instance
      const minutes = Math.floor(ended.first / 60_000)
      const slow =
        minutes < 5 ? '' : `; Nova has been deleting it for ${minutes} minutes: ask the cloud's operator`
      return { ...instance, state: 'stopping' as const, detail: `${server.description}${slow}` }
    })
  }

  async sweep(known: ReadonlySet<InstanceId>, { signal }: CallOptions): Promise<void> {
    const { servers } = await this.#looks.now(signal)
    const listed = new Set(servers.filter((one) => !isOver(one)).map((one) => one.metadata[stamps.instance]))
    const isAlive = (id: InstanceId) => known.has(id) || listed.has(id)
    const [network, volume] = [await this.#api.has('network', signal), await this.#api.has('volume', signal)]
    const done = await Promise.allSettled([
      network && this.#addresses.sweep(isAlive, signal),
      volume && this.#volumes.sweep(isAlive, signal),
    ])
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }

  async close(): Promise<void> {
    this.#looks.close()
    this.#names.close()
    this.#api.close()
  }

  /** Nova's lists are short now and then while it builds: what is missing unexpectedly is looked for once more. */
  async #look(signal: AbortSignal): Promise<readonly Server[]> {
    const before = this.#seen.refs
    const { servers } = await this.#looks.now(signal)
    const found = new Set(servers.map(({ ref }) => ref))
    if (before.every((ref) => found.has(ref) || this.#seen.wasEnded(ref))) return servers
    const again = await this.#looks.now(signal)
    return [...new Map([...servers, ...again.servers].map((server) => [server.ref, server])).values()]
  }

  /** Of servers with the same stamp all but one are removed; resolves to those. */
  async #removeDoubles(ours: readonly Server[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const removed = new Set<string>()
    const living = ours.filter((one) => !isDeleting(one) && !this.#seen.wasEnded(one.ref))
    for (const [id, bearers] of Map.groupBy(living, ({ metadata }) => metadata[stamps.instance])) {
      const kept = best(bearers)
      for (const double of bearers.filter((one) => one !== kept)) {
        this.#context.log.warn(
          { id, ref: double.ref },
          `${double.ref} is a double of ${kept?.ref}: it is removed`,
        )
        await this.#remove(double, signal).then(
          () => removed.add(double.ref),
          (error: unknown) => this.#context.log.warn({ id }, `it could not be removed: ${messageOf(error)}`),
        )
      }
    }
    // Those that Nova is still deleting.
    for (const { metadata, ref } of ours)
      if (
        this.#doubles.has(ref) &&
        living.some((one) => one.metadata[stamps.instance] === metadata[stamps.instance])
      )
        removed.add(ref)
    this.#doubles = removed
    return removed
  }
  #doubles: ReadonlySet<string> = new Set()

  async #remove(server: Server, signal: AbortSignal): Promise<void> {
    const path = `/servers/${server.ref}`
    await unlessGone(this.#api.call({ service: 'compute', method: 'DELETE', path, urgency: 'stop', signal }))
    this.#seen.ended(server)
  }

  #isOurs({ metadata }: Server): boolean {
    return metadata[stamps.cluster] === this.#context.cluster
  }
}

/** Seconds. */
const defaultListLag = 10
/** Milliseconds after which a server that is still there is deleted once more. */
const repeatMs = 30_000
/** Servers per list. */
const mostCompleted = 20
