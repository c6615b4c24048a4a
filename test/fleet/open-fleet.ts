import { randomUUID } from 'node:crypto'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { GroupCommit } from '../../src/db/group-commit.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { WorkerAdmin } from '../../src/fleet/worker-admin.ts'
import type { Worker } from '../../src/fleet/worker.ts'
import type { WorkerSpec } from '../../src/fleet/worker-spec.ts'
import type { EventBody } from '../../src/model/events.ts'
import type { MasterLinkEvents } from '../../src/protocol/link.ts'
import type { FromMaster, Hello } from '../../src/protocol/messages.ts'
import { protocolVersion } from '../../src/protocol/version.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** A fleet over a real database, without builds, with a clock that the test moves. */
export async function openFleet({ db }: TestDatabase, specs: readonly WorkerSpec[] = [staticSpec()]) {
  const clock = new ManualClock()
  clock.advance(Date.now())
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const commit = new GroupCommit(db, { log })
  const { epoch, id } = await registerMaster(db, { host: 'here', pid: 1, version: '0', only: true })
  const events: EventBody[] = []
  const publish = (event: EventBody) => void events.push(event)
  const master = { id, epoch, version: '0' }
  const fleet = new Fleet({ commit, master, log, clock, heartbeat: 30, publish })
  fleet.handle({
    ready: async () => {},
    resume: () => ({ resume: [], next: [] }),
    output: () => {},
    done: () => {},
    file: () => {},
    want: () => {},
    drain: () => {},
    changed: () => {},
  })
  await fleet.configure(specs)
  const admin = new WorkerAdmin({ fleet, commit, clock, log, publish })
  const loops = new AbortController()
  const running = [fleet.watch(loops.signal), admin.watch(loops.signal)]
  const close = async () => {
    loops.abort()
    await Promise.all(running)
    await fleet.close('the test is over')
    await commit.close()
  }
  onTestFinished(close)
  return { admin, clock, commit, events, fleet, log, logged, master, publish, close }
}

export function staticSpec(more: Partial<WorkerSpec> = {}): WorkerSpec {
  return {
    kind: 'static',
    name: 'bot',
    password: 'b0t',
    maxBuilds: 1,
    properties: {},
    defaultProperties: {},
    locks: [],
    env: {},
    keepaliveInterval: null,
    ...more,
  }
}

interface FarEndOptions {
  readonly runId?: string
  /** Of a worker of the config. */
  readonly name?: string
  readonly protocol?: number
  /** An instance of a latent one. */
  readonly worker?: Worker
  readonly credentialHash?: Buffer | undefined
  /** Of the instance, at its login. */
  readonly generation?: number
}

/** The far end of a connection of an agent: what it was sent, and why it was closed. */
export class FarEnd {
  readonly runId: string
  readonly received: FromMaster[] = []
  closed: string | undefined
  answersPings = true
  pings = 0
  readonly master: MasterLinkEvents

  constructor(
    fleet: Fleet,
    {
      runId = newRun(),
      name = 'bot',
      protocol = protocolVersion,
      worker,
      credentialHash,
      generation = 1,
    }: FarEndOptions = {},
  ) {
    this.runId = runId
    const link = {
      send: (message: FromMaster) => void this.received.push(message),
      close: (reason: string) => void (this.closed ??= reason),
      sendFile: () => {},
      ping: async () => {
        this.pings++
        return this.answersPings
      },
    }
    this.master = fleet.accept(worker ?? fleet.admitted(name)!, link, {
      address: '192.0.2.7',
      credentialHash,
      generation,
    })
    const facts = { os: 'linux', arch: 'x64', cpus: 1, memory: 1, hostname: 'bot', node: '24' }
    const hello: Hello = { type: 'hello', protocol, version: '0', runId, facts, commands: [] }
    this.master.message(hello)
  }

  async welcomed(): Promise<this> {
    await waitFor('the welcome', () => this.received.some(({ type }) => type === 'welcome'))
    return this
  }
}

function newRun(): string {
  return randomUUID()
}
