import { tmpdir } from 'node:os'
import { randomUUID } from 'node:crypto'
import pino from 'pino'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { ArtifactStore } from '../../src/builds/artifact-store.ts'
import { Builds } from '../../src/builds/builds.ts'
import type { Submission } from '../../src/builds/store-submit.ts'
import type { BuilderConfig } from '../../src/config/types.ts'
import { GroupCommit } from '../../src/db/group-commit.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import type { WorkerSpec } from '../../src/fleet/worker-spec.ts'
import type { EventBody } from '../../src/model/events.ts'
import type { MasterLinkEvents } from '../../src/protocol/link.ts'
import type { Done, FromMaster, Hello } from '../../src/protocol/messages.ts'
import type { OutputFrame } from '../../src/protocol/output-frame.ts'
import { protocolVersion } from '../../src/protocol/version.ts'
import { systemClock, type Clock } from '../../src/util/clock.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'

export interface CoreOptions {
  readonly workers: readonly Partial<WorkerSpec>[]
  readonly builders: readonly BuilderConfig[]
  readonly clock?: Clock
  /** Milliseconds for which a single write rides out a database that is away. */
  readonly patience?: number
  /** Default: every secret is 'hunter2'. */
  readonly secretValue?: (name: string) => string
  /** Seconds. */
  readonly heartbeat?: number
  readonly maxDisconnected?: number
  readonly maxLogSize?: number
  /** Default: one without its folders. */
  readonly artifacts?: ArtifactStore
  /** No other master lives: theirs is taken over at once. Default true. */
  readonly only?: boolean
}

/** The middle of a master, fleet and builds over a real database, without its web server: agents are joined by `connect`. */
export class Core {
  readonly database: TestDatabase
  readonly commit: GroupCommit
  readonly fleet: Fleet
  readonly builds: Builds
  readonly events: EventBody[] = []
  readonly #loops = new AbortController()
  readonly #running: Promise<unknown>[]
  #closed: Promise<void> | undefined

  private constructor(database: TestDatabase, master: { id: string; epoch: number }, options: CoreOptions) {
    const { builders, clock = systemClock, heartbeat = 30, maxDisconnected = 3600, patience } = options
    const { secretValue = () => 'hunter2' } = options
    const log = pino({ level: 'silent' })
    const publish = (event: EventBody) => void this.events.push(event)
    this.database = database
    this.commit = new GroupCommit(database.db, { log, ...(patience === undefined ? {} : { patience }) })
    const { commit } = this
    this.fleet = new Fleet({
      commit,
      master: { ...master, version: '0.0.0' },
      log,
      clock,
      heartbeat,
      publish,
    })
    const { fleet } = this
    const { db } = database
    const artifacts = { store: options.artifacts ?? new ArtifactStore(tmpdir()), maxBytes: 1e6 }
    const common = {
      artifacts,
      configDir: tmpdir(),
      secrets: { value: secretValue },
      db,
      commit,
      fleet,
      log,
      clock,
      publish,
      master,
      builders,
      maxDisconnected,
    }
    this.builds = new Builds({ ...common, maxInfraRetries: 3, maxLogSize: options.maxLogSize ?? 209_715_200 })
    this.#running = [fleet.watch(this.#loops.signal), this.builds.watch(this.#loops.signal)]
  }

  /** Ends with the test, unless `onEnd` sees to it; the database does not. */
  static async open(
    database: TestDatabase,
    options: CoreOptions,
    onEnd: (end: () => Promise<void>) => void = onTestFinished,
  ): Promise<Core> {
    const { only = true } = options
    const identity = { host: 'test', pid: process.pid, version: '0.0.0', only }
    const core = new Core(database, await registerMaster(database.db, identity), options)
    onEnd(() => core.close())
    await core.fleet.configure(options.workers.map(withDefaults))
    await core.builds.open()
    return core
  }

  /** As an agent's connection right after its login; says hello unless `hello` is false. */
  connect(worker: string, hello: Partial<Hello> | false = {}): CoreAgent {
    const agent = new CoreAgent(this.fleet, worker)
    if (hello !== false) agent.hello(hello)
    return agent
  }

  get db() {
    return this.database.db
  }

  /** Submits what a scheduler would, with anything else instead. */
  async submit(builder: string, branch: string, o: Partial<Submission> = {}): Promise<number> {
    const source = { repository: 'app', branch, revision: null }
    const usual = { properties: [], priority: 0, reason: 'a change', origin: 'scheduler' } as const
    return (await this.builds.submit({ builders: [builder], source, ...usual, ...o })).requests[0]!.id
  }

  async force(builder: string): Promise<number> {
    const source = { repository: '', branch: null, revision: null }
    const common = { source, properties: [], priority: 0, reason: 'test', origin: 'force' as const }
    return (await this.builds.submit({ builders: [builder], ...common })).requests[0]!.id
  }

  /** Waits for the end of a request. */
  result(request: number): Promise<string> {
    return waitFor(`the end of r${request}`, async () => {
      const { db } = this.database
      const row = await db
        .selectFrom('requests')
        .select('result')
        .where('id', '=', request)
        .executeTakeFirst()
      return row?.result
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.builds.close()
    this.#loops.abort()
    await Promise.all(this.#running)
    await this.fleet.close('the test is over')
    await this.commit.close()
  }
}

/** For all tests of a file, over a database of its own; `prepare` is awaited once it is open. */
export function sharedCore(
  options: CoreOptions,
  prepare: (core: Core) => Promise<unknown> = async () => {},
): () => Core {
  let core: Core | undefined
  let database: TestDatabase | undefined
  beforeAll(async () => {
    database = await createTestDatabase()
    core = await Core.open(database, options, () => {})
    await prepare(core)
  })
  afterAll(async () => {
    await core?.close()
    await database?.close()
  })
  return () => core!
}

/** The agent's end of a connection that is nothing but function calls. */
export class CoreAgent {
  readonly runId = randomUUID() as string
  readonly received: FromMaster[] = []
  /** What the master's closing said. */
  closed: string | undefined
  readonly #end: MasterLinkEvents

  constructor(fleet: Fleet, worker: string) {
    const send = (message: FromMaster) => {
      if (this.closed === undefined) this.received.push(message)
    }
    const close = (reason: string) => {
      if (this.closed !== undefined) return
      this.closed = reason
      this.#end.closed(reason)
    }
    const link = { send, sendFile: () => {}, close, ping: async () => true }
    this.#end = fleet.accept(fleet.admitted(worker)!, link, { address: 'test' })
  }

  hello(hello: Partial<Hello> = {}): void {
    this.send({
      type: 'hello',
      protocol: protocolVersion,
      version: '0.0.0',
      runId: this.runId,
      facts: { os: 'linux', arch: 'x64', cpus: 1, memory: 1, hostname: 'test', node: '24.0.0' },
      commands: [],
      ...hello,
    })
  }

  send(message: Parameters<MasterLinkEvents['message']>[0]): void {
    if (this.closed === undefined) this.#end.message(message)
  }

  output(frame: OutputFrame): void {
    if (this.closed === undefined) this.#end.output(frame)
  }

  /** The connection breaks. */
  drop(): void {
    if (this.closed !== undefined) return
    this.closed = 'dropped'
    this.#end.closed('the connection was lost')
  }

  of<T extends FromMaster['type']>(type: T): Extract<FromMaster, { type: T }>[] {
    return this.received.filter((m): m is Extract<FromMaster, { type: T }> => m.type === type)
  }

  /** Waits for the n-th message of a type. */
  next<T extends FromMaster['type']>(type: T, n = 1): Promise<Extract<FromMaster, { type: T }>> {
    return waitFor(`${type} number ${n}`, () => this.of(type)[n - 1])
  }
}

export function outputFrame(command: string, offset: number, body: Buffer, log = 0): OutputFrame {
  const lines = body.filter((byte) => byte === 10).length
  const runs = [{ stream: 'stdout' as const, length: body.length }]
  return { command, log, codec: 'none', offset, rawLength: body.length, lines, runs, body }
}

/** `bytes`: of each log. */
export const held = (id: string, ...bytes: number[]) => ({ id, logs: lengths(bytes), result: null })

export const doneOf = (command: string, ...bytes: number[]): Done => ({
  type: 'done',
  command,
  result: exited,
  logs: lengths(bytes),
})

const lengths = (all: number[]) => all.map((bytes, log) => ({ log, bytes }))

export const exited = { exitCode: 0, signal: null, reason: null } as const

/** A database that ends with the test. */
export async function ownDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  onTestFinished(() => database.close())
  return database
}

function withDefaults(spec: Partial<WorkerSpec>): WorkerSpec {
  const common = { properties: {}, defaultProperties: {}, env: {}, keepaliveInterval: null, locks: [] }
  return { kind: 'static', name: 'bot', password: 'b0t', maxBuilds: 1, ...common, ...spec }
}
