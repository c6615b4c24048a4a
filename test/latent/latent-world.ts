import { onTestFinished } from 'vitest'
import type { BuilderConfig, WorkerConfig } from '../../src/config/types.ts'
import type { InstanceState } from '../../src/model/instance-state.ts'
import { shell } from '../../src/steps/shell.ts'
import {
  FakeCloud,
  fakeWorker,
  type FakeCloudOptions,
  type FakeMachine,
  type FakeWorkerOptions,
} from '../../workers/fake/index.ts'
import { ownDatabase } from '../builds/test-core.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { LatentCore, type LatentCoreOptions } from './latent-core.ts'
import { MachineAgent, type RunCommand } from './machine-agent.ts'

type Options = Omit<FakeWorkerOptions, 'cloud' | 'url'> & { readonly maxBuilds?: number }

export interface LatentWorldOptions extends Partial<
  Omit<LatentCoreOptions, 'workers' | 'builders' | 'clock'>
> {
  /** Options of fake workers by name. Default: one 'dock'. */
  readonly workers?: Readonly<Record<string, Options>>
  readonly others?: readonly WorkerConfig[]
  /** Default: 'unit' on all the workers. */
  readonly builders?: readonly BuilderConfig[]
  readonly cloud?: FakeCloudOptions
  /** Milliseconds from the power of a machine to its agent's first login. Default 0; Infinity: it never comes. */
  readonly agentAfter?: number
  /** Default: ends at once with 0. */
  readonly command?: RunCommand
}

/** A fake cloud with agents on its machines, a database, and one master after the other; time moves while somebody waits. */
export class LatentWorld {
  readonly clock = new ManualClock()
  readonly cloud: FakeCloud
  readonly agents = new Map<FakeMachine, MachineAgent>()
  readonly database: TestDatabase
  agentAfter: number
  command: RunCommand
  master!: LatentCore
  readonly #o: LatentWorldOptions

  private constructor(database: TestDatabase, options: LatentWorldOptions) {
    this.#o = options
    this.database = database
    this.clock.advance(Date.now())
    this.agentAfter = options.agentAfter ?? 0
    this.command = options.command ?? (async () => 0)
    this.cloud = new FakeCloud({
      clock: this.clock,
      boot: (machine) => this.#boot(machine),
      ...options.cloud,
    })
  }

  static async open(options: LatentWorldOptions = {}): Promise<LatentWorld> {
    const world = new LatentWorld(await ownDatabase(), options)
    onTestFinished(async () => {
      await world.#settle(world.master.kill())
      await world.#settle(world.cloud.close())
    })
    await world.startMaster()
    return world
  }

  worker(name: string, options: Options = {}) {
    return fakeWorker(name, { cloud: this.cloud, ...options })
  }

  get builders(): readonly BuilderConfig[] {
    return this.#o.builders ?? [builder('unit', ...Object.keys(this.#workers))]
  }

  get workers(): WorkerConfig[] {
    const fakes = Object.entries(this.#workers).map(([name, options]) => this.worker(name, options))
    return [...fakes, ...(this.#o.others ?? [])]
  }

  async startMaster(options: Partial<LatentCoreOptions> = {}): Promise<LatentCore> {
    const { builders, clock, workers } = this
    const opening = LatentCore.open(this.database, { ...this.#o, builders, workers, clock, ...options })
    this.master = await this.#settle(opening)
    return this.master
  }

  /** As after SIGKILL. */
  async kill(): Promise<void> {
    await this.#settle(this.master.kill())
    for (const agent of this.agents.values()) agent.drop()
  }

  /** As after SIGTERM. */
  async stop(): Promise<void> {
    await this.#settle(this.master.close())
    for (const agent of this.agents.values()) agent.drop()
  }

  force(...args: Parameters<LatentCore['force']>): Promise<number> {
    return this.master.force(...args)
  }

  agentOf(machine: FakeMachine | undefined): MachineAgent {
    return this.agents.get(machine!)!
  }

  /** Moves time on by steps of `step` milliseconds until it is so. */
  until<T>(
    what: string,
    probe: () => T | Promise<T>,
    { step = 500, timeout = 20_000 }: { step?: number; timeout?: number } = {},
  ): Promise<NonNullable<T>> {
    return waitFor(
      what,
      async () => {
        const found = await probe()
        if (!found) this.clock.advance(step)
        return found
      },
      { interval: 4, timeout },
    )
  }

  /** Moves time on by so many seconds, and lets what follows from it happen. */
  async pass(seconds: number, step = 1): Promise<void> {
    const end = this.clock.now() + seconds * 1000
    await this.until(`${seconds} s to pass`, () => this.clock.now() >= end, { step: step * 1000 })
    await new Promise((resolve) => setTimeout(resolve, 30))
  }

  async result(request: number, step = 500): Promise<string> {
    return this.until(
      `the end of r${request}`,
      async () => {
        const { db } = this.database
        const row = await db
          .selectFrom('requests')
          .select('result')
          .where('id', '=', request)
          .executeTakeFirst()
        return row?.result
      },
      { step },
    )
  }

  async builds(request: number) {
    return this.database.db
      .selectFrom('builds')
      .select(['id', 'result', 'instance_id', 'attempt', 'summary'])
      .where('request_id', '=', request)
      .orderBy('id')
      .execute()
  }

  async rows() {
    return this.database.db.selectFrom('instances').selectAll().orderBy('created_at').execute()
  }

  /** Until the only instance that is not gone is in this state. */
  async state(state: InstanceState, step = 500): Promise<void> {
    await this.until(
      `an instance that is ${state}`,
      async () => (await this.rows()).some((row) => row.state === state),
      { step },
    )
  }

  /** Until no instance is left, neither at the provider nor in the ledger. */
  async empty(step = 1000): Promise<void> {
    const isGone = async () =>
      this.cloud.machines.length === 0 && (await this.rows()).every(({ state }) => state === 'gone')
    await this.until('the end of all instances', isGone, { step }).catch(async (error: unknown) => {
      const rows = (await this.rows()).map(({ deadline, detail, state, stop_reason }) => ({
        deadline,
        detail,
        state,
        stop_reason,
      }))
      const { machines } = this.cloud
      throw new Error(`left: ${JSON.stringify({ rows, machines: machines.length })}`, { cause: error })
    })
  }

  get #workers(): Readonly<Record<string, Options>> {
    return this.#o.workers ?? { dock: {} }
  }

  async #boot(machine: FakeMachine): Promise<void> {
    const { signal } = machine
    const agent = new MachineAgent(machine, (run, on) => this.command(run, on))
    this.agents.set(machine, agent)
    if (this.agentAfter === Infinity) return
    if (this.agentAfter > 0) await this.clock.sleep(this.agentAfter, signal).catch(() => {})
    // As a real one: it tries again and again, and comes back when it is cut off.
    while (!signal.aborted) {
      // A pool with minIdle starts its first ones before the master is known here.
      if (!agent.connected && this.master) await agent.connect(this.master)
      await this.clock.sleep(500, signal).catch(() => {})
    }
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

export function builder(name: string, ...workers: string[]): BuilderConfig {
  return { name, workers, steps: [shell('true')] }
}

/** A command that runs until it is told to end. */
export function held(): { command: RunCommand; begun: () => number; end: (exitCode?: number) => void } {
  let begun = 0
  const { promise, resolve } = Promise.withResolvers<number>()
  const command: RunCommand = () => {
    begun++
    return promise
  }
  return { command, begun: () => begun, end: (exitCode = 0) => resolve(exitCode) }
}
