import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { serverOf, type NovaServer, type Server } from './server.ts'

/** Why servers are in ERROR. Nova's lists leave that out for those it could place nowhere; asked for one of them, it says so. */
export class Faults {
  readonly #api: OpenStackApi
  readonly #known = new Map<string, string>()

  constructor(api: OpenStackApi) {
    this.#api = api
  }

  /** The server with its fault, as far as Nova tells it. */
  async explain(server: Server, signal: AbortSignal): Promise<Server> {
    const { fault, ref, status } = server
    if (status !== 'ERROR' || fault !== '') return server
    const path = `/servers/${ref}`
    const call = { service: 'compute', method: 'GET', path, urgency: 'list', signal } as const
    if (!this.#known.has(ref)) {
      const found = await unlessGone(this.#api.call<{ server: NovaServer }>(call))
      this.#known.set(ref, found ? serverOf(found.server).fault : '')
    }
    return { ...server, fault: this.#known.get(ref)! }
  }

  /** Only these are left. */
  keep(servers: readonly Server[]): void {
    const left = new Set(servers.map(({ ref }) => ref))
    for (const ref of this.#known.keys()) if (!left.has(ref)) this.#known.delete(ref)
  }
}
