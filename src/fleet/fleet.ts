import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { EventBody } from '../model/events.ts'
import { messageOf } from '../model/errors.ts'
import type { FileFrame } from '../protocol/file-frame.ts'
import type { MasterLink, MasterLinkEvents } from '../protocol/link.ts'
import type { Done, FromAgent, FromMaster, Hello, Want, Welcome } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import { protocolVersion } from '../protocol/version.ts'
import type { Clock } from '../util/clock.ts'
import { Roster } from './roster.ts'
import { outputWindow, Session } from './session.ts'
import { closeLost, storeConnected, storeDisconnected } from './store-session.ts'
import { syncWorkers } from './sync-workers.ts'
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

/** What the builds' side is told of sessions. */
export interface SessionHandlers {
  /** Resolves when `resume` may be called: the builds of the agent's commands are here, their output so far is committed. */
  ready(worker: Worker, hello: Hello): Promise<void>
  /**
   * Which of the commands that the agent still has go on, and at which offset; the others are ended. `next` is sent right
   * after the welcome.
   */
  resume(session: WorkerSession, hello: Hello): { resume: Welcome['resume']; next: FromMaster[] }
  output(session: WorkerSession, frame: OutputFrame): void
  file(session: WorkerSession, frame: FileFrame): void
  want(session: WorkerSession, message: Want): void
  done(session: WorkerSession, message: Done): void
  /** The agent asked to end; `cancel`: it does not want to wait for the builds it runs. */
  drain(session: WorkerSession, cancel: boolean): void
  /** Something changed that may let a waiting request run. */
  changed(worker: Worker): void
}

const helloDeadline = 10_000

/** The workers this master knows, and the agents connected to it. */
export class Fleet {
  readonly #o: FleetOptions
  readonly roster = new Roster()
  readonly #writes = new Set<Promise<unknown>>()
  #handlers: SessionHandlers | undefined

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
    const reason = 'it is no longer in the config'
    worker.session?.close(reason)
    if (worker.session) this.#gone(worker.session, reason)
    this.#o.log.info({ worker: worker.name }, 'worker left: it is no longer in the config')
    this.#o.onLeft?.(worker.name)
  }

  /**
   * Why no agent may connect as `name` now; undefined when one may. A run takes the place of its own connection at once,
   * another agent that of one that does not answer.
   */
  async whyTaken(name: string, runId: string | undefined): Promise<string | undefined> {
    const present = this.admitted(name)?.session
    if (!present || present.runId === runId) return undefined
    if (await present.answers())
      return `another agent is connected as "${name}" from ${present.address}, and it answers`
    if (isCurrent(present)) {
      const reason = 'another agent came, and this one did not answer'
      this.#o.log.warn({ worker: name, address: present.address }, `agent dropped: ${reason}`)
      present.close(reason)
      this.#gone(present, reason)
    }
    return undefined
  }

  /** Takes over a connection that was authenticated as `name`. The session begins with its hello. */
  accept(name: string, link: MasterLink, { address }: { address: string }): MasterLinkEvents {
    const worker = this.admitted(name)
    let session: WorkerSession | undefined
    let opening = false
    let closed = false
    const helloTimer = setTimeout(() => link.close('no hello within 10 seconds'), helloDeadline)
    return {
      message: (message) => {
        if (session) return isCurrent(session) ? this.#receive(session, message) : undefined
        if (message.type !== 'hello' || opening) return link.close('the first message must be a hello')
        // The config may have changed since the login.
        if (!worker || this.admitted(name) !== worker) return link.close('it is no longer in the config')
        opening = true
        clearTimeout(helloTimer)
        const opened = this.#open(worker, link, message, address).then((made) => {
          session = made
          if (session && closed) this.#gone(session, 'the connection was lost')
        })
        this.#track(opened, () => link.close('the master could not store the session'))
      },
      output: (frame) => {
        if (!session) return link.close('output before the welcome')
        if (!isCurrent(session)) return
        this.#heard(session)
        this.#handlers!.output(session, frame)
      },
      file: (frame) => {
        if (!session) return link.close('a file before the welcome')
        if (!isCurrent(session)) return
        this.#heard(session)
        this.#handlers!.file(session, frame)
      },
      closed: (reason) => {
        closed = true
        clearTimeout(helloTimer)
        if (session) this.#gone(session, reason)
      },
    }
  }

  /** Sends heartbeats and keepalives, and drops the silent, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const drop = (session: WorkerSession, reason: string) => this.#drop(session, reason)
    await watchSessions(() => this.roster.all(), { ...this.#o, drop, signal })
  }

  /** Closes every connection and waits until that is stored. */
  async close(reason: string): Promise<void> {
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
    address: string,
  ): Promise<WorkerSession | undefined> {
    const { clock, commit, heartbeat, log, master } = this.#o
    const handlers = this.#handlers!
    if (hello.protocol !== protocolVersion) {
      const older = hello.protocol < protocolVersion ? 'agent' : 'master'
      log.warn({ worker: worker.name, address }, `agent ${hello.version} refused: upgrade the ${older}`)
      const its = older === 'agent' ? hello.version : master.version
      link.close(
        `agent ${hello.version} speaks protocol ${hello.protocol}, this master speaks ${protocolVersion}: upgrade the ${older} (${its})`,
      )
      return undefined
    }
    const present = worker.session
    if (present && present.runId !== hello.runId) {
      log.warn({ worker: worker.name, address }, 'second agent of this name refused')
      link.close(`another agent is connected as "${worker.name}" from ${present.address}`)
      return undefined
    }
    if (present) this.#drop(present, 'replaced by a new connection')
    const session = new Session({ id: randomUUID(), worker, hello, link, address, now: clock.now() })
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
    session.send({
      type: 'welcome',
      protocol: protocolVersion,
      version: master.version,
      master: master.id,
      epoch: master.epoch,
      heartbeat,
      window: outputWindow,
      maxDisconnected: this.#o.maxDisconnected ?? 3600,
      resume,
    })
    session.welcomed = true
    for (const message of next) session.send(message)
    log.info({ worker: worker.name, address, agent: hello.version }, 'agent connected')
    this.#o.publish({ type: 'worker.connected', worker: worker.name, address })
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
        return this.#handlers!.drain(session, message.cancel)
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
    worker.disconnectedAt = new Date(this.#o.clock.now())
    this.#o.log.info({ worker: worker.name, address: session.address, reason }, 'agent disconnected')
    this.#track(
      session.stored
        .then(() => this.#o.commit.write((trx) => storeDisconnected(trx, session, reason, this.#o.master)))
        .then(() => {
          this.#o.publish({ type: 'worker.disconnected', worker: worker.name, reason })
        }),
    )
    this.#handlers?.changed(worker)
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
