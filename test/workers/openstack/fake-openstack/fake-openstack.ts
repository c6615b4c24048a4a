import { systemClock, type Clock } from '../../../../src/util/clock.ts'
import { untilAborted } from '../../../../workers/fake/until-aborted.ts'
import { OpenStackRefusal, type OpenStackCall, type OpenStackFault } from './fake-fault.ts'
import type { FakeImage } from './fake-image.ts'
import type { FakeServer } from './fake-server.ts'

export interface FakeOpenStackOptions {
  readonly clock?: Clock
  /** Milliseconds by which lists are behind. Default 0. */
  readonly lag?: number
  /** Milliseconds until a host is found, until a server runs, and until one that was deleted is gone. Defaults 0. */
  readonly placeMs?: number
  readonly bootMs?: number
  readonly deleteMs?: number
  /** Milliseconds until a server that is stopped is powered off, and until an image is active. Defaults 0. */
  readonly stopMs?: number
  readonly imageMs?: number
  /** Calls that are let through, on average and in a burst. Default: all. */
  readonly limits?: { readonly perSecond: number; readonly burst: number }
  /** Entries on a page of a list, whatever is asked for. Default 1000. */
  readonly pageSize?: number
  /** Servers that there may be. Default: any number. */
  readonly quota?: number
  /** Seconds that a token lives. Default 3600. */
  readonly tokenLife?: number
  /** Services that the cloud does not have. */
  readonly without?: readonly ('image' | 'network' | 'volume')[]
  /** The catalogue names the roots above the versions. */
  readonly unversioned?: boolean
  /** The newest that Nova speaks: 93 means 2.93. Default 93. */
  readonly microversion?: number
  /** What runs on a server, from its power on. */
  readonly boot?: (server: FakeServer) => Promise<void>
}

export interface FakeRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
  /** Where the fake is: 'http://127.0.0.1:1234'. */
  readonly origin: string
}

export interface FakeAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What one kind of request does. */
export interface Route {
  readonly action: string
  readonly method: string
  readonly path: RegExp
  readonly open?: boolean
  act(cloud: FakeOpenStack, request: FakeRequest, o: { id: string; fault: OpenStackFault }): FakeAnswer
}

export interface FakeVolume {
  readonly id: string
  status: string
  metadata: Record<string, string>
}

export interface FakeFloatingIp {
  readonly id: string
  readonly floating_ip_address: string
  readonly description: string
  readonly floating_network_id: string
  port_id: string | null
}

/** Keystone, Nova, Glance, Neutron and Cinder in memory. Scripted by faults, like the cloud of workers/fake. */
export class FakeOpenStack {
  readonly clock: Clock
  readonly o: FakeOpenStackOptions
  readonly calls: OpenStackCall[] = []
  readonly servers = new Map<string, FakeServer>()
  readonly volumes = new Map<string, FakeVolume>()
  readonly floatingIps = new Map<string, FakeFloatingIp>()
  /** Tokens and when they end. */
  readonly tokens = new Map<string, number>()
  readonly images: FakeImage[] = [
    { id: '11111111-0000-4000-8000-000000000001', name: 'debian-13', status: 'active' },
    { id: '11111111-0000-4000-8000-000000000002', name: 'twice', status: 'active' },
    { id: '11111111-0000-4000-8000-000000000003', name: 'twice', status: 'active' },
  ]
  readonly flavors = [
    { id: '1', name: 'm1.small' },
    { id: '2', name: 'm1.huge' },
  ]
  readonly networks = [
    { id: '22222222-0000-4000-8000-000000000001', name: 'ci-net', external: false },
    { id: '22222222-0000-4000-8000-000000000002', name: 'public', external: true },
  ]
  readonly serverGroups = [{ id: '33333333-0000-4000-8000-000000000001', name: 'apart' }]
  /** Flavors for which there is no host. */
  readonly full = new Set(['2'])
  password = 'right'
  chance: (action: string) => OpenStackFault | undefined = () => undefined
  witness: (call: OpenStackCall, when: 'asked' | 'done') => void | Promise<void> = () => {}
  readonly #planned: { action: string; fault: OpenStackFault }[] = []
  readonly #running = new Set<Promise<void>>()
  #tokens: number
  #filledAt: number
  #numbers = 0

  constructor(options: FakeOpenStackOptions = {}) {
    this.o = options
    this.clock = options.clock ?? systemClock
    this.#tokens = options.limits?.burst ?? 0
    this.#filledAt = this.clock.now()
  }

  /** Something goes wrong in the next calls of this kind, in this order. */
  plan(action: string, ...faults: OpenStackFault[]): void {
    this.#planned.push(...faults.map((fault) => ({ action, fault })))
  }

  /** Servers that exist and that nobody has deleted, whatever lists show. */
  get living(): FakeServer[] {
    return [...this.servers.values()].filter(({ deletedAt }) => deletedAt === undefined)
  }

  /** Servers that cost, those that Nova is still deleting too. */
  get present(): FakeServer[] {
    const now = this.clock.now()
    return [...this.servers.values()].filter((server) => server.stateAt(now) !== undefined)
  }

  /** What lists show as of now. */
  get listedAt(): number {
    return this.clock.now() - (this.o.lag ?? 0)
  }

  uuid(): string {
    return `44444444-0000-4000-8000-${(++this.#numbers).toString(16).padStart(12, '0')}`
  }

  power(server: FakeServer): void {
    const { boot } = this.o
    if (!boot || server.o.runsAt === Infinity) return
    const running = this.clock
      .sleep(Math.max(0, server.o.runsAt - this.clock.now()), server.signal)
      .then(() => boot(server))
      .catch(() => {})
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Ends all servers and waits for what they ran. */
  async close(): Promise<void> {
    for (const server of this.living) server.end(this.clock.now(), this.clock.now())
    await Promise.all(this.#running)
  }

  /** What is asked for is done, unless something goes wrong. `gone` is aborted when the caller hangs up. */
  async call(request: FakeRequest, routes: readonly Route[], gone: AbortSignal): Promise<FakeAnswer> {
    const { method, url } = request
    // An action is named by the body only.
    const asked = url.pathname.endsWith('/action')
      ? `${url.pathname}#${Object.keys(request.body)[0]}`
      : url.pathname
    const route = routes.find((one) => one.method === method && one.path.test(asked))
    const action = route?.action ?? `${method} ${url.pathname}`
    const call: OpenStackCall = { action, at: this.clock.now(), outcome: 'open' }
    this.calls.push(call)
    try {
      if (!route) throw new OpenStackRefusal(404, 'The resource could not be found.')
      if (!route.open) this.#authenticate(request)
      if (!route.open && this.#throttles()) throw new OpenStackRefusal(429, 'Too many requests.', 1)
      await this.witness(call, 'asked')
      if (gone.aborted) throw gone.reason
      const answer = await this.#carryOut(route, request, { asked, gone })
      call.outcome = 'ok'
      await this.witness(call, 'done')
      return answer
    } catch (error) {
      call.outcome = 'failed'
      throw error
    }
  }

  async #carryOut(
    route: Route,
    request: FakeRequest,
    { asked, gone }: { asked: string; gone: AbortSignal },
  ): Promise<FakeAnswer> {
    const fault = this.#faultOf(route.action)
    if (fault.delay !== undefined) await this.clock.sleep(fault.delay)
    const goes = fault.error || fault.cut || fault.hang
    const id = decodeURIComponent(route.path.exec(asked)?.[1] ?? '')
    const answer = goes && !fault.done ? { status: 200 } : route.act(this, request, { id, fault })
    if (fault.hang) await untilAborted(gone)
    if (fault.cut) throw new Error('the connection breaks')
    if (fault.error) {
      const { message, retryAfter, status } = fault.error
      throw new OpenStackRefusal(status, message, retryAfter)
    }
    return answer
  }

  #authenticate({ headers }: FakeRequest): void {
    const ends = this.tokens.get(String(headers['x-auth-token'])) ?? 0
    if (ends <= this.clock.now())
      throw new OpenStackRefusal(401, 'The request you have made requires authentication.')
  }

  #faultOf(action: string): OpenStackFault {
    const index = this.#planned.findIndex((planned) => planned.action === action)
    if (index < 0) return this.chance(action) ?? {}
    return this.#planned.splice(index, 1)[0]!.fault
  }

  #throttles(): boolean {
    const { limits } = this.o
    if (!limits) return false
    const now = this.clock.now()
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * limits.perSecond
    this.#tokens = Math.min(limits.burst, filled)
    this.#filledAt = now
    if (this.#tokens < 1) return true
    this.#tokens--
    return false
  }
}
