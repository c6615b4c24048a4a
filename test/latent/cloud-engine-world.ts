import { sql } from 'kysely'
import type { WorkerConfig } from '../../src/config/types.ts'
import { instanceToken } from '../../src/latent/token.ts'
import type { ImageConfig } from '../../src/model/image.ts'
import { Releasers } from '../../src/util/releasers.ts'
import type { FakeMachine as MachineOfFake } from '../../workers/fake/index.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { LatentCore } from './latent-core.ts'
import { builder } from './latent-world.ts'
import { MachineAgent, type RunCommand } from './machine-agent.ts'

/** What runs on a fake cloud's machine is told this of it. */
export interface BootedMachine {
  readonly id: string
  /** Aborted when its power goes. */
  readonly signal: AbortSignal
  /** Where it may have another one than that of its first generation. */
  readonly userData?: string
}

interface FakeCloud {
  readonly living: readonly unknown[]
  readonly calls: readonly { readonly outcome: string }[]
  close(): Promise<void>
}

export interface CloudEngineOptions<Cloud> {
  readonly cloud: (o: { clock: ManualClock; boot: (machine: BootedMachine) => Promise<void> }) => Cloud
  readonly serve: (cloud: Cloud) => Promise<{ readonly url: string; close(): Promise<void> }>
  /** The only worker, 'cloud', at the served address. */
  readonly worker: (url: string, clock: ManualClock) => WorkerConfig
  readonly images?: readonly ImageConfig[]
  /** Time stands still while anything is being stored or answered: a slow machine makes no difference. */
  readonly patient?: boolean | undefined
  /** Default: ends at once with 0. */
  readonly command?: RunCommand
}

/** The engine over a real database and a fake cloud with agents on its machines; time moves while somebody waits. */
export class CloudEngineWorld<Cloud extends FakeCloud> {
  readonly clock = new ManualClock()
  readonly cloud: Cloud
  readonly database: TestDatabase
  master!: LatentCore
  readonly #releasers = new Releasers()
  readonly #o: CloudEngineOptions<Cloud>
  #url = ''

  private constructor(database: TestDatabase, options: CloudEngineOptions<Cloud>) {
    this.#o = options
    this.database = database
    this.clock.advance(Date.now())
    this.cloud = options.cloud({ clock: this.clock, boot: (machine) => this.#boot(machine) })
  }

  static async open<Cloud extends FakeCloud>(
    options: CloudEngineOptions<Cloud>,
  ): Promise<CloudEngineWorld<Cloud>> {
    const database = await createTestDatabase()
    const world = new CloudEngineWorld(database, options)
    world.#releasers.add('database', () => database.close())
    const served = await options.serve(world.cloud)
    world.#url = served.url
    world.#releasers.add('the endpoint', () => served.close())
    world.#releasers.add('machines', () => world.#settle(world.cloud.close()))
    await world.startMaster()
    return world
  }

  async close(): Promise<void> {
    await this.#settle(this.master.kill())
    await this.#releasers.release()
  }

  async startMaster(): Promise<void> {
    const workers = [this.#o.worker(this.#url, this.clock)]
    const builders = [builder('unit', 'cloud')]
    const { images = [] } = this.#o
    const options = { workers, builders, images, clock: this.clock }
    this.master = await this.#settle(LatentCore.open(this.database, options))
  }

  /** As after SIGKILL. */
  async kill(): Promise<void> {
    await this.#settle(this.master.kill())
  }

  /** Moves time on by steps of `step` milliseconds until it is so. */
  until<T>(what: string, probe: () => T | Promise<T>, { step = 500, timeout = 300_000 } = {}) {
    const turn = async () => {
      const found = await probe()
      if (found || this.#busy) return found
      if (this.#o.patient) await sql`select 1`.execute(this.database.db)
      this.clock.advance(step)
      return found
    }
    return waitFor(what, turn, { interval: 4, timeout })
  }

  async rows() {
    return this.database.db.selectFrom('instances').selectAll().orderBy('created_at').execute()
  }

  async builds() {
    return this.database.db.selectFrom('builds').select(['request_id', 'result']).orderBy('id').execute()
  }

  /** Until every request is complete and nothing is left, neither at the cloud nor in the ledger. */
  async over(options: { step?: number; timeout?: number } = {}): Promise<void> {
    const isOver = async () => {
      if (this.cloud.living.length > 0 || this.#busy) return false
      const { rows } = await sql`
        select 1 from requests where state <> 'complete' union all select 1 from instances where state <> 'gone' limit 1
      `.execute(this.database.db)
      return rows.length === 0
    }
    await this.until('the end of everything', isOver, options)
  }

  get #busy(): boolean {
    if (!this.#o.patient) return false
    return this.master?.writing > 0 || this.cloud.calls.some(({ outcome }) => outcome === 'open')
  }

  async #boot({ id, signal, userData = '' }: BootedMachine): Promise<void> {
    const token = /token='([^']*)'/.exec(userData)?.[1] ?? instanceToken(Buffer.alloc(32, 7), id, 1)
    // What an agent needs to know of its machine.
    const known = { id, signal, spec: { id, token } }
    const agent = new MachineAgent(known as unknown as MachineOfFake, this.#o.command ?? (async () => 0))
    while (!signal.aborted) {
      if (!agent.connected && this.master) await agent.connect(this.master)
      await this.clock.sleep(500, signal).catch(() => {})
    }
    agent.drop()
  }

  /** Time goes on until it is done. */
  async #settle<T>(work: Promise<T>): Promise<T> {
    let done = false
    const settled = work.finally(() => (done = true))
    settled.catch(() => {})
    await this.until('it to be done', () => done)
    return settled
  }
}
