import { untilAborted } from '../../../../workers/fake/until-aborted.ts'
import { ScriptedCloud, type ScriptedCloudOptions } from '../../scripted-cloud.ts'
import { Ec2Refusal, type Ec2Call, type Ec2Fault } from './fake-fault.ts'
import type { FakeImage, FakeSnapshot } from './fake-image.ts'
import type { FakeMachine } from './fake-machine.ts'
import { parseQuery, type Query } from './query.ts'
import type { Xml } from './xml.ts'

export interface FakeEc2Options extends ScriptedCloudOptions {
  /** Milliseconds until a machine runs, until one that was ended is gone, and until that is forgotten. Defaults 0, 0, an hour. */
  readonly bootMs?: number
  readonly shutdownMs?: number
  readonly forgetMs?: number
  /** Milliseconds until an image is available. Default 0. */
  readonly imageMs?: number
  /** Entries on a page of a list, whatever is asked for. Default 1000. */
  readonly pageSize?: number
  /** What runs on a machine, from its power on. */
  readonly boot?: (machine: FakeMachine) => Promise<void>
}

/** What one action of the protocol does. */
export type Action = (cloud: FakeEc2, query: Query, fault: Ec2Fault) => Xml

export interface FakeVolume {
  readonly id: string
  readonly tags: Readonly<Record<string, string>>
  readonly deleteOnTermination: boolean
  device: string
  machine: FakeMachine | undefined
}

export interface FakeAddress {
  readonly allocation: string
  readonly ip: string
  readonly tags: Readonly<Record<string, string>>
  association: { readonly id: string; readonly machine: FakeMachine } | undefined
}

/** EC2 in memory: what the Query protocol says is done to it. Scripted by faults, like the cloud of workers/fake. */
export class FakeEc2 extends ScriptedCloud<FakeEc2Options, Ec2Call, Ec2Fault> {
  readonly machines = new Set<FakeMachine>()
  readonly volumes = new Map<string, FakeVolume>()
  readonly addresses = new Map<string, FakeAddress>()
  readonly tokens = new Map<string, { readonly request: string; readonly machine: FakeMachine }>()
  readonly notices = new Map<FakeMachine, string>()
  readonly snapshots = new Map<string, FakeSnapshot>()
  /** Snapshots that something else is made of. */
  readonly used = new Set<string>()
  readonly images: FakeImage[] = [
    {
      id: 'ami-0aaa',
      name: 'debian-13-amd64-20260101',
      owner: '111122223333',
      architecture: 'x86_64',
      created: '2026-01-01T00:00:00.000Z',
    },
    {
      id: 'ami-0bbb',
      name: 'debian-13-amd64-20260301',
      owner: '111122223333',
      architecture: 'x86_64',
      created: '2026-03-01T00:00:00.000Z',
    },
    {
      id: 'ami-0ccc',
      name: 'debian-13-amd64-20260201',
      owner: '111122223333',
      architecture: 'x86_64',
      created: '2026-02-01T00:00:00.000Z',
    },
    {
      id: 'ami-0ddd',
      name: 'debian-13-arm64-20260401',
      owner: '111122223333',
      architecture: 'arm64',
      created: '2026-04-01T00:00:00.000Z',
    },
    {
      id: 'ami-0eee',
      name: 'debian-13-amd64-20270101',
      owner: '999999999999',
      architecture: 'x86_64',
      created: '2027-01-01T00:00:00.000Z',
    },
  ]
  subnets: readonly string[] = ['subnet-1', 'subnet-2']
  /** Of which there is no room: 'c7i.large', 'c7i.large subnet-1', 'spot'. */
  readonly full = new Set<string>()
  /** Images whose machines end by themselves at once, and why. */
  readonly broken = new Map<string, string>()
  /** Machines with termination protection, by their ref. */
  readonly locked = new Set<string>()
  /** Actions that the credentials may not do. */
  readonly denied = new Set<string>()
  /** What RunInstances says to the token of a machine that has ended; other clouds show that machine. */
  endedToken: 'error' | 'machine' = 'error'
  #numbers = 0

  constructor(options: FakeEc2Options = {}) {
    super(options)
  }

  /** Machines that exist, whatever lists show. */
  get living(): FakeMachine[] {
    return [...this.machines].filter(({ endedAt }) => endedAt === undefined)
  }

  name(prefix: string): string {
    return `${prefix}-${(++this.#numbers).toString(16).padStart(8, '0')}`
  }

  power(machine: FakeMachine): void {
    const { boot } = this.o
    if (!boot) return
    this.runs(() => boot(machine), { at: machine.runsAt, signal: machine.signal })
  }

  /** Ends all machines and waits for what they ran. */
  async close(): Promise<void> {
    for (const machine of this.living)
      machine.end(this.clock.now(), 'Server.InternalError', 'the fake is closed')
    await this.settled()
  }

  /** What a form asks for is done, unless something goes wrong. `gone` is aborted when the caller hangs up. */
  async call(
    body: string,
    actions: Readonly<Record<string, Action>>,
    { gone, key }: { gone: AbortSignal; key: string },
  ): Promise<{ action: string; answer: Xml }> {
    const query = parseQuery(body)
    const action = String(query.Action)
    const act = actions[action]
    const call: Ec2Call = { action, key, at: this.clock.now(), outcome: 'open' }
    this.calls.push(call)
    try {
      if (this.throttles()) throw new Ec2Refusal('RequestLimitExceeded', 'Request limit exceeded.', 503)
      await this.witness(call, 'asked')
      if (gone.aborted) throw gone.reason
      const answer = await this.#carryOut(action, act, query, gone)
      call.outcome = 'ok'
      await this.witness(call, 'done')
      return { action, answer }
    } catch (error) {
      call.outcome = 'failed'
      if (error instanceof Ec2Refusal) call.refusal = error.code
      throw error
    }
  }

  async #carryOut(action: string, act: Action | undefined, query: Query, gone: AbortSignal): Promise<Xml> {
    const fault: Ec2Fault = this.faultOf(action) ?? {}
    if (fault.delay !== undefined) await this.clock.sleep(fault.delay)
    if (this.denied.has(action))
      throw new Ec2Refusal(
        'UnauthorizedOperation',
        `You are not authorized to perform this operation. User: arn:aws:iam::1:user/ci is not authorized to perform: ec2:${action} on resource: * because no identity-based policy allows it`,
        403,
      )
    if (!act) throw new Ec2Refusal('InvalidAction', `The action ${action} is not valid for this web service.`)
    this.#forgetOld()
    const goes = fault.error || fault.cut || fault.hang
    const answer = goes && !fault.done ? '' : act(this, query, fault)
    if (fault.hang) await untilAborted(gone)
    if (fault.cut) throw new Error('the connection breaks')
    if (fault.error) throw new Ec2Refusal(fault.error.code, fault.error.message, fault.error.status)
    return answer
  }

  #forgetOld(): void {
    const { forgetMs = 3_600_000 } = this.o
    const now = this.listedAt
    for (const machine of this.machines)
      if (machine.endedAt !== undefined && machine.endedAt + machine.o.shutdownMs + forgetMs < now)
        this.machines.delete(machine)
    for (const [id, { deleteOnTermination, machine }] of this.volumes)
      if (deleteOnTermination && machine && !this.living.includes(machine)) this.volumes.delete(id)
  }
}
