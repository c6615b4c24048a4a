import { sql } from 'kysely'
import type { LatentOptions } from '../../src/latent/latent-worker.ts'
import { secret } from '../../src/model/secret.ts'
import { Releasers } from '../../src/util/releasers.ts'
import { Ec2Backend } from '../../workers/ec2/ec2-backend.ts'
import {
  ec2Worker,
  type ConnectionOptions,
  type Ec2WorkerOptions,
  type MachineOptions,
} from '../../workers/ec2/index.ts'
import type { FakeMachine as MachineOfFake } from '../../workers/fake/index.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeEc2, type FakeEc2Options } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import type { FakeMachine } from '../workers/ec2/fake-ec2/fake-machine.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import { LatentCore } from './latent-core.ts'
import { builder } from './latent-world.ts'
import { MachineAgent, type RunCommand } from './machine-agent.ts'

type WorkerOptions = LatentOptions &
  Pick<Ec2WorkerOptions, 'idle'> &
  Partial<MachineOptions> &
  Partial<ConnectionOptions> & { maxBuilds?: number }

export interface Ec2EngineOptions {
  readonly cloud?: Omit<FakeEc2Options, 'boot' | 'clock'>
  /** Of the only worker, 'cloud'. */
  readonly worker?: WorkerOptions
  /** Time stands still while anything is being stored or answered: a slow machine makes no difference. */
  readonly patient?: boolean
  /** Default: ends at once with 0. */
  readonly command?: RunCommand
}

/** The engine over a real database, the real SDK and a fake EC2 with agents on its machines; time moves while somebody waits. */
export class Ec2EngineWorld {
  readonly clock = new ManualClock()
  readonly cloud: FakeEc2
  readonly database: TestDatabase
  master!: LatentCore
  readonly #releasers = new Releasers()
  readonly #o: Ec2EngineOptions
  #url = ''

  private constructor(database: TestDatabase, options: Ec2EngineOptions) {
    this.#o = options
    this.database = database
    this.clock.advance(Date.now())
    this.cloud = new FakeEc2({ ...options.cloud, clock: this.clock, boot: (machine) => this.#boot(machine) })
  }

  static async open(options: Ec2EngineOptions = {}): Promise<Ec2EngineWorld> {
    const database = await createTestDatabase()
    const world = new Ec2EngineWorld(database, options)
    world.#releasers.add('database', () => database.close())
    const served = await serveFakeEc2(world.cloud)
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
    const builders = [builder('unit', 'cloud')]
    const opening = LatentCore.open(this.database, { workers: [this.#worker()], builders, clock: this.clock })
    this.master = await this.#settle(opening)
  }

  /** As after SIGKILL. */
  async kill(): Promise<void> {
    await this.#settle(this.master.kill())
  }

  /** Moves time on by steps of `step` milliseconds until it is so. */
  until<T>(what: string, probe: () => T | Promise<T>, { step = 500, timeout = 500_000 } = {}) {
    const turn = async () => {
      const found = await probe()
      if (!found && !(this.#o.patient && this.#busy)) this.clock.advance(step)
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

  /** Until every request is complete and nothing is left, neither at EC2 nor in the ledger. */
  async over(step = 500): Promise<void> {
    const isOver = async () => {
      if (this.cloud.living.length > 0 || (this.#o.patient && this.#busy)) return false
      const { rows } = await sql`
        select 1 from requests where state <> 'complete' union all select 1 from instances where state <> 'gone' limit 1
      `.execute(this.database.db)
      return rows.length === 0
    }
    await this.until('the end of everything', isOver, { step })
  }

  get #busy(): boolean {
    return this.master?.writing > 0 || this.cloud.calls.some(({ outcome }) => outcome === 'open')
  }

  #worker() {
    const { ami = 'ami-0aaa', instanceType = 'c7i.large', ...options } = this.#o.worker ?? {}
    const connection = {
      region: 'eu-test-1',
      endpoint: this.#url,
      credentials: { accessKeyId: 'AKIDFAKE', secretAccessKey: secret('AWS') },
      listLag: options.listLag ?? 3,
      maxCallsPerSecond: options.maxCallsPerSecond ?? 10,
    }
    const worker = ec2Worker('cloud', { ami, instanceType, ...options, ...connection })
    return {
      ...worker,
      backend: {
        ...worker.backend,
        open: (context: Parameters<typeof worker.backend.open>[0]) =>
          Ec2Backend.open(connection, { ...context, readSecret: () => 'not-a-secret' }, this.clock),
      },
    }
  }

  async #boot(machine: FakeMachine): Promise<void> {
    const { id, signal, userData } = machine
    const token = /token='([^']*)'/.exec(userData)?.[1]
    // What an agent needs to know of its machine.
    const known = { id, signal, spec: { id, token } }
    const run: RunCommand = this.#o.command ?? (async () => 0)
    const agent = new MachineAgent(known as unknown as MachineOfFake, run)
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
