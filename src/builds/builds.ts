import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { BuilderConfig } from '../config/types.ts'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Worker } from '../fleet/worker.ts'
import { RouseError } from '../model/errors.ts'
import type { EventBody } from '../model/events.ts'
import type { Hello } from '../protocol/messages.ts'
import type { Clock } from '../util/clock.ts'
import type { ArtifactStore } from './artifact-store.ts'
import type { SecretValues } from './build-tools.ts'
import { Cancels } from './cancels.ts'
import { Commands } from './commands.ts'
import { Dispatcher } from './dispatcher.ts'
import { every } from './every.ts'
import { noLatentWorkers, type LatentHooks } from './latent-hooks.ts'
import { LatentSide } from './latent-side.ts'
import { LockKeeper } from './lock-keeper.ts'
import { LogLane } from './log-lane.ts'
import { loadGone, loadPending } from './load-pending.ts'
import { loadSubmission } from './load-submission.ts'
import { PatientCommit } from './patient-commit.ts'
import { RequestEnds } from './request-ends.ts'
import { storeSubmission, type CollapseRules, type Submission, type Submitted } from './store-submit.ts'
import { syncBuilders } from './sync-builders.ts'
import { takeIn } from './take-in.ts'
import { tidyArtifacts } from './tidy-artifacts.ts'
import { takeUp, type HeldCommands } from './take-up.ts'

export interface BuildsOptions {
  readonly db: Kysely<Database>
  readonly commit: GroupCommit
  readonly fleet: Fleet
  readonly log: Logger
  readonly clock: Clock
  readonly publish: (event: EventBody) => void
  readonly master: { readonly id: string; readonly epoch: number }
  readonly builders: readonly BuilderConfig[]
  readonly maxInfraRetries: number
  /** Seconds. */
  readonly maxDisconnected: number
  readonly artifacts: { readonly store: ArtifactStore; readonly maxBytes: number }
  readonly secrets: SecretValues
  /** Bytes of a command's log where its step says nothing. */
  readonly maxLogSize: number
  /** The folder of master.config.ts. */
  readonly configDir: string
  readonly latent?: LatentHooks
  /** Told of a worker that is no longer in the config and has a build to finish. */
  readonly onRecalled?: (worker: Worker) => void
}

type Unkeyed = Omit<Submission, 'idempotencyKey'> & { readonly idempotencyKey?: string }

/** Requests and builds of one master: takes them in, answers for them, cancels them. */
export class Builds {
  readonly latentSide: LatentSide
  readonly #o: BuildsOptions
  readonly #builders: Map<string, BuilderConfig>
  readonly #commands: Commands
  readonly #lane: LogLane
  readonly #patient: PatientCommit
  readonly #dispatcher: Dispatcher
  readonly #cancels: Cancels
  readonly #collapseRules: CollapseRules
  #accepting = false

  constructor(options: BuildsOptions) {
    const { clock, db, fleet, log, master, maxDisconnected } = options
    const ends = new RequestEnds(db, clock)
    const publish = (event: EventBody) => {
      ends.heard(event)
      options.publish(event)
    }
    this.#o = { ...options, publish }
    this.#builders = new Map(options.builders.map((b) => [b.name, b]))
    this.#collapseRules = {
      of: (builder) => this.#builders.get(builder)?.collapseRequests,
      failed: (builder, err) => log.error({ err, builder }, 'collapseRequests of a builder failed'),
    }
    this.#lane = new LogLane(db, publish, master)
    this.#patient = new PatientCommit(options)
    const commit = this.#patient
    const { epoch } = master
    const freed = () => this.#dispatcher.wake()
    this.#commands = new Commands({ commit, epoch, lane: this.#lane, log, clock, maxDisconnected, freed })
    const locks = new LockKeeper(freed)
    const requests = {
      submit: (submission: Submission) => this.submit(submission),
      cancel: (id: number, reason: string) => this.cancelRequest(id, { reason }),
      ended: (ids: readonly number[], signal: AbortSignal) => ends.of(ids, signal),
    }
    const [commands, lane] = [this.#commands, this.#lane]
    const tools = { ...options, epoch, requests, commit, commands, lane, locks, publish }
    const { latent = noLatentWorkers, onRecalled = () => {} } = options
    const builders = this.#builders
    this.#dispatcher = new Dispatcher({ ...options, latent, onRecalled, tools, builders })
    this.#cancels = new Cancels({ db, commit: options.commit, dispatcher: this.#dispatcher, publish })
    this.latentSide = new LatentSide({ ...tools, dispatcher: this.#dispatcher, builders })
    fleet.handle({
      ready: async (worker, hello) => {
        await this.#takeUpHeld(worker, hello)
        await this.#commands.ready(worker, hello)
      },
      resume: (session, hello) => this.#commands.resume(session, hello),
      output: (session, frame) => this.#commands.output(session, frame),
      file: (session, frame) => this.#commands.file(session, frame),
      want: (session, message) => this.#commands.want(session, message),
      done: (session, message) => this.#commands.done(session, message),
      drain: (session, cancel) => this.#dispatcher.runner.drain(session.worker, cancel),
      changed: (worker) => {
        if (!worker.session) this.#commands.disconnected(worker)
        this.#dispatcher.wake()
      },
    })
  }

  /** Takes up what is stored: builds of masters that are gone go on, pending requests wait again. */
  async open(): Promise<void> {
    await this.#o.commit.write((trx) => syncBuilders(trx, this.#o.builders))
    // Builds that go on may request others.
    this.#accepting = true
    await this.#takeUpLost()
    await this.#takeInPending()
    await this.#cancels.leftBehind()
  }

  /** Replaces the builders: what runs keeps its steps, what waits gets the new ones. */
  async configure(builders: readonly BuilderConfig[]): Promise<void> {
    await this.#o.commit.write((trx) => syncBuilders(trx, builders))
    this.#builders.clear()
    for (const builder of builders) this.#builders.set(builder.name, builder)
    this.#dispatcher.wake()
  }

  /** Starts nothing more but what running builds wait for; other requests are taken in and wait for the next start. */
  hold(): void {
    this.#dispatcher.hold()
  }

  /** Ids of the builds that run here. */
  get running(): number[] {
    return [...this.#dispatcher.runner.running.keys()]
  }

  /** Whether any build runs, or is only just being started or stored. */
  get busy(): boolean {
    return this.#dispatcher.busy
  }

  /** Looks after commands whose agents are away and builds whose master is gone, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#commands.watch(signal),
      every(10, { ...this.#o, signal }, async () => {
        await this.#takeUpLost()
        await this.#cancels.leftBehind()
      }),
      every(60, { ...this.#o, signal }, () => this.#takeInPending()),
      every(21_600, { ...this.#o, signal }, () =>
        tidyArtifacts(this.#o.artifacts.store, { ...this.#o, signal }),
      ),
    ])
  }

  /** A submission whose key is known returns what it made before. */
  async submit(submission: Unkeyed): Promise<Submitted> {
    for (const name of submission.builders) {
      if (!this.#builders.has(name))
        throw new RouseError('ROUSE_BUILDER_UNKNOWN', `there is no builder "${name}"`)
    }
    if (!this.#accepting) throw new RouseError('ROUSE_SHUTTING_DOWN', 'the master takes no requests now')
    const keyed = { ...submission, idempotencyKey: submission.idempotencyKey ?? randomUUID() }
    const submitted = await this.#o.commit.write((trx) => storeSubmission(trx, keyed, this.#collapseRules))
    for (const { builder, by, id } of submitted.superseded) {
      this.#dispatcher.remove(id)
      this.#o.publish({
        type: 'request.completed',
        request: id,
        builder,
        result: 'SKIPPED',
        supersededBy: by,
      })
    }
    for (const { builder, id, pending, priority } of submitted.requests) {
      // Known already, unless this call stored it and the first answer of the database was lost.
      if (!pending || this.#dispatcher.knows(id)) continue
      this.#o.publish({ type: 'request.submitted', request: id, buildset: submitted.buildsetId, builder })
      const { waitedFor = false } = submission
      this.#dispatcher.add({ id, builder, priority, notBefore: 0, avoidWorker: undefined, waitedFor })
    }
    return submitted
  }

  /** Cancels a request wherever it is: waiting, being claimed, or running. Nothing happens when it has ended. */
  async cancelRequest(id: number, { reason }: { reason: string }): Promise<void> {
    await this.#cancels.request(id, reason)
  }

  /** Idempotent; resolves when the wish is committed. The build ends once its command has. */
  async cancelBuild(id: number, { reason }: { reason: string }): Promise<void> {
    await this.#cancels.build(id, reason)
  }

  /** Submits the build's builder again with the same source and properties. */
  async rebuild(id: number, { reason }: { reason: string }): Promise<Submitted> {
    return this.submit({ ...(await loadSubmission(this.#o.db, id)), reason, origin: 'rebuild' })
  }

  get pendingCount(): number {
    return this.#dispatcher.queue.size
  }

  /** Why a pending request waits, and its place among those of its builder. */
  waiting(id: number): { reason: string; position: number } | undefined {
    return this.#dispatcher.waiting(id)
  }

  /** Takes nothing new, leaves running builds to their agents and the next master, and waits until all is stored. */
  async close(): Promise<void> {
    this.#accepting = false
    this.#patient.close()
    this.#commands.detachAll()
    await this.#dispatcher.stop()
    await this.#lane.close()
  }

  // At the start all that waits; later what nobody here knows: a dead master's, or stored although the answer was lost.
  async #takeInPending(): Promise<void> {
    const { db, master } = this.#o
    const gone = (ids: readonly number[]) => loadGone(db, ids, master.id)
    await takeIn(this.#dispatcher, { pending: () => loadPending(db), gone })
    this.#dispatcher.wake()
  }

  async #takeUpLost(held: HeldCommands = { workerId: 0, ids: [] }): Promise<void> {
    const { commit, master } = this.#o
    const isKnown = (request: number) => this.#dispatcher.knows(request)
    const unfinished = await commit.write((trx) => takeUp(trx, { master, held, isKnown }))
    // Only now: an instance whose build was taken is taken as well.
    await this.#o.latent?.takeOver()
    this.#dispatcher.takeUp(unfinished)
  }

  // A build goes where its agent goes: it need not wait until the lease of a dead master is over.
  async #takeUpHeld(worker: Worker, hello: Hello): Promise<void> {
    const ids = this.#commands.unknown(hello)
    if (ids.length > 0) await this.#takeUpLost({ workerId: worker.rowId, ids })
  }
}
