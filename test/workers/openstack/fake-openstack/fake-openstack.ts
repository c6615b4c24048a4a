import { untilAborted } from '../../../../workers/fake/until-aborted.ts'
import { ScriptedCloud, type ScriptedCloudOptions } from '../../scripted-cloud.ts'
import { OpenStackRefusal, type OpenStackCall, type OpenStackFault } from './fake-fault.ts'
import type { FakeImage } from './fake-image.ts'
import type { FakeServer } from './fake-server.ts'

export interface FakeOpenStackOptions extends ScriptedCloudOptions {
  /** Milliseconds until a host is found, until a server runs, and until one that was deleted is gone. Defaults 0. */
  readonly placeMs?: number
  readonly bootMs?: number
  readonly deleteMs?: number
  /** Milliseconds until a server that is stopped is powered off, and until an image is active. Defaults 0. */
  readonly stopMs?: number
  readonly imageMs?: number
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
export class FakeOpenStack extends ScriptedCloud<FakeOpenStackOptions, OpenStackCall, OpenStackFault> {
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
  #numbers = 0

  constructor(options: FakeOpenStackOptions = {}) {
    super(options)
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

  uuid(): string {
    return `44444444-0000-4000-8000-${(++this.#numbers).toString(16).padStart(12, '0')}`
  }

  power(server: FakeServer): void {
    const { boot } = this.o
    if (!boot || server.o.runsAt === Infinity) return
    this.runs(() => boot(server), { at: server.o.runsAt, signal: server.signal })
  }

  /** Ends all servers and waits for what they ran. */
  async close(): Promise<void> {
    for (const server of this.living) server.end(this.clock.now(), this.clock.now())
    await this.settled()
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
      if (!route.open && this.throttles()) throw new OpenStackRefusal(429, 'Too many requests.', 1)
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
    const fault: OpenStackFault = this.faultOf(route.action) ?? {}
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
}
