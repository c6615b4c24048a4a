import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { EventBody } from '../model/events.ts'
import { messageOf } from '../model/errors.ts'
import type { MasterLink, MasterLinkEvents } from '../protocol/link.ts'
import type { FromAgent, Hello } from '../protocol/messages.ts'
import type { Clock } from '../util/clock.ts'
import { Roster } from './roster.ts'
import { Session } from './session.ts'
import { sessionEvents } from './session-events.ts'
import type { InstanceHandlers, SessionHandlers } from './session-handlers.ts'
import { closeLost, storeConnected, storeDisconnected } from './store-session.ts'
import { syncWorkers } from './sync-workers.ts'
import { versionProblem } from './version-problem.ts'
import { welcome } from './welcome.ts'
import type { Worker, WorkerSession } from './worker.ts'
import { watchSessions } from './watch-sessions.ts'
import type { WorkerSpec } from './worker-spec.ts'

export interface FleetOptions {
  readonly commit: GroupCommit
  readonly master: { readonly id: string; readonly epoch: number; readonly version: string }
  readonly log: Logger
  readonly clock: Clock
  /** Seconds between heartbeats; an agent silent for three of them is dropped. */
  readonly heartbeat: number
  /** Seconds without a master after which an agent ends what it runs. Default 3600. */
  readonly maxDisconnected?: number
  readonly publish: (event: EventBody) => void
  /** Called when a worker that was removed from the config has finished its builds and is gone. */
  readonly onLeft?: (name: string) => void
}

/** What is known of a connection since its login. */
export interface Authenticated {
  readonly address: string
  /** Of an instance's agent: what it is to log in with from now on. */
  readonly credentialHash?: Buffer | undefined
  /** Of the instance, when its agent logged in. */
  readonly generation?: number | undefined
}

/** The workers this master knows, and the agents connected to it. */
export class Fleet {
  readonly #o: FleetOptions
  readonly roster = new Roster()
  readonly #writes = new Set<Promise<unknown>>()
  #closed: string | undefined
  #handlers: SessionHandlers | undefined
  #instances: InstanceHandlers | undefined

  constructor(options: FleetOptions) {
    this.#o = options
  }

  /** Stores the config's workers and makes them known; those no longer in it finish their builds and are refused after. */
  async configure(specs: readonly WorkerSpec[]): Promise<void> {
    const rows = await this.#o.commit.write(async (trx) => {
      await closeLost(trx)
      return syncWorkers(trx, specs)
    })
    for (const worker of this.roster.configure(specs, rows, this.#o.clock.now())) {
      this.#o.publish({ type: 'worker.changed', worker: worker.name })
      this.changed(worker)
    }
  }

  /** Must be called before the first agent may connect. */
  handle(handlers: SessionHandlers): void {
    this.#handlers = handlers
  }

  /** The same for instances of latent workers. */
  handleInstances(handlers: InstanceHandlers): void {
    this.#instances = handlers
  }

  /** The instance has come to its end. */
  removeInstance(worker: Worker, reason: string): void {
    worker.left = true
    this.roster.removeInstance(worker)
    if (worker.session) this.#drop(worker.session, reason)
  }

  /** Ends the connection of its agent, if there is one. */
  disconnect({ session }: Worker, reason: string): void {
    if (session) this.#drop(session, reason)
  }

  /** A worker of the config. */
  get(name: string): Worker | undefined {
    return this.roster.get(name)
  }

  /** A worker whose agent may log in: one of the config, or one that was removed and still has builds to finish. */
  admitted(name: string): Worker | undefined {
    return this.roster.admitted(name)
  }

  all(): IterableIterator<Worker> {
    return this.roster.configured()
  }

  /** Something about a worker changed that may let a waiting request run. */
  changed(worker: Worker): void {
    this.#handlers?.changed(worker)
    this.freed(worker)
  }

  /** A build has given its place on the worker back. */
  freed(worker: Worker): void {
    if (!worker.removed || !this.roster.forget(worker)) return
    worker.left = true
    const reason = 'it is no longer in the config'
    this.disconnect(worker, reason)
    this.#o.log.info({ worker: worker.name }, 'worker left: it is no longer in the config')
    this.#o.onLeft?.(worker.name)
  }

  /**
   * Why no agent may connect as this worker now; undefined when one may. A run takes the place of its own connection at once,
   * another agent that of one that does not answer.
   */
  async whyTaken(worker: Worker, runId: string | undefined): Promise<string | undefined> {
    const { name, session: present } = worker
    if (!present || present.runId === runId) return undefined
    if (await present.answers())
      return `another agent is connected as "${name}" from ${present.address}, and it answers`
    if (isCurrent(present)) {
      const reason = 'another agent came, and this one did not answer'
      this.#o.log.warn({ worker: name, address: present.address }, `agent dropped: ${reason}`)
      this.#drop(present, reason)
    }
    return undefined
  }

  /** Takes over a connection that was authenticated as the worker's. The session begins with its hello. */
  accept(worker: Worker, link: MasterLink, from: Authenticated): MasterLinkEvents {
    return sessionEvents(worker, link, {
      open: (hello) => {
        const opened = this.#open(worker, link, hello, from)
        this.#track(opened, () => link.close('the master could not store the session'))
        return opened
      },
      isCurrent,
      message: (session, message) => this.#receive(session, message),
      output: (session, frame) => {
        this.#heard(session)
        this.#handlers!.output(session, frame)
      },
      file: (session, frame) => {
        this.#heard(session)
        this.#handlers!.file(session, frame)
      },
      gone: (session, reason) => this.#gone(session, reason),
    })
  }

  /** Sends heartbeats and keepalives, and drops the silent, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const drop = (session: WorkerSession, reason: string) => this.#drop(session, reason)
    await watchSessions(() => this.roster.all(), { ...this.#o, drop, signal })
  }

  /** Closes every connection, lets nobody in any more, and waits until that is stored. */
  async close(reason: string): Promise<void> {
    this.#closed ??= reason
    for (const { session } of this.roster.all()) if (session) this.#drop(session, reason)
    await Promise.allSettled(this.#writes)
  }

  #drop(session: WorkerSession, reason: string): void {
    session.close(reason)
    this.#gone(session, reason)
  }

  async #open(
    worker: Worker,
    link: MasterLink,
    hello: Hello,
    { address, credentialHash, generation }: Authenticated,
  ): Promise<WorkerSession | undefined> {
    const { clock, commit, log, master } = this.#o
    const handlers = this.#handlers!
    if (this.#closed !== undefined) {
      link.close(this.#closed)
      return undefined
    }
    const problem = versionProblem(hello, master)
    if (problem) {
      log.warn(
        { worker: worker.name, address },
        `agent ${hello.version} refused: upgrade the ${problem.older}`,
      )
      link.close(problem.message)
      return undefined
    }
    const present = worker.session
    if (present && present.runId !== hello.runId) {
      log.warn({ worker: worker.name, address }, 'second agent of this name refused')
      link.close(`another agent is connected as "${worker.name}" from ${present.address}`)
      return undefined
    }
    if (present) this.#drop(present, 'replaced by a new connection')
    const session = new Session({
      id: randomUUID(),
      worker,
      hello,
      link,
      address,
      credentialHash,
      generation,
      now: clock.now(),
    })
    session.draining = worker.drainingRun === session.runId
    worker.session = session
    try {
      const stored = commit.write((trx) => storeConnected(trx, session, hello, master))
      session.stored = stored.catch(() => {})
      await stored
      await handlers.ready(worker, hello)
    } catch (error) {
      this.#gone(session, 'it could not be stored')
      throw error
    }
    if (!isCurrent(session)) return undefined
    const { next, resume } = handlers.resume(session, hello)
    session.send(welcome(this.#o, resume))
    session.welcomed = true
    for (const message of next) session.send(message)
    log.info({ worker: worker.name, address, agent: hello.version }, 'agent connected')
    this.#o.publish({ type: 'worker.connected', worker: worker.name, address })
    if (worker.instanceId !== null) this.#instances?.attached(worker)
    handlers.changed(worker)
    return session
  }

  #receive(session: WorkerSession, message: FromAgent): void {
    this.#heard(session)
    switch (message.type) {
      case 'heartbeat':
        return
      case 'want':
        return this.#handlers!.want(session, message)
      case 'done':
        return this.#handlers!.done(session, message)
      case 'drain':
        session.draining = true
        session.worker.drainingRun = session.runId
        this.#o.publish({ type: 'worker.changed', worker: session.worker.name })
        this.#handlers!.drain(session, message.cancel)
        if (session.worker.instanceId !== null) this.#instances?.drained(session.worker)
        return
      case 'hello':
        return session.close('a second hello')
    }
  }

  #heard(session: WorkerSession): void {
    session.lastSeen = this.#o.clock.now()
    session.unanswered = 0
  }

  #gone(session: WorkerSession, reason: string): void {
    const { worker } = session
    if (!isCurrent(session)) return
    worker.session = undefined
    const at = new Date(this.#o.clock.now())
    worker.disconnectedAt = at
    this.#o.log.info({ worker: worker.name, address: session.address, reason }, 'agent disconnected')
    this.#track(this.#storeGone(session, reason, at))
    this.#handlers?.changed(worker)
    if (worker.instanceId !== null) this.#instances?.detached(worker)
  }

  async #storeGone(session: WorkerSession, reason: string, at: Date): Promise<void> {
    const { commit, master, publish } = this.#o
    await session.stored
    await commit.write((trx) => storeDisconnected(trx, session, reason, { at, epoch: master.epoch }))
    publish({ type: 'worker.disconnected', worker: session.worker.name, reason })
  }

  #track(work: Promise<unknown>, onError?: () => void): void {
    const tracked = work
      .catch((error: unknown) => {
        this.#o.log.error({ err: error }, `storing a session failed: ${messageOf(error)}`)
        onError?.()
      })
      .finally(() => this.#writes.delete(tracked))
    this.#writes.add(tracked)
  }
}

// What a session still sends after it was replaced or dropped does not count.
function isCurrent(session: WorkerSession): boolean {
  return session.worker.session === session
}
