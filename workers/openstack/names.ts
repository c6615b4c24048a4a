import { BackendError } from '../../src/latent/backend-error.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Service } from './connection-options.ts'
import type { OpenStackApi } from './openstack-api.ts'
import { pages } from './pages.ts'
import { untilAborted } from './until-aborted.ts'

/** What can be named in a template. */
export type Named = 'image' | 'flavor' | 'network' | 'external network' | 'server group'

interface Entry {
  readonly id: string
  readonly name?: string
}

/** Ids of what a config names. A name that nothing or several things have is the template's fault. Remembered for some minutes. */
export class Names {
  readonly #api: OpenStackApi
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #found = new Map<string, { readonly at: number; readonly entries: Promise<readonly Entry[]> }>()

  constructor(api: OpenStackApi, clock: Clock) {
    this.#api = api
    this.#clock = clock
  }

  async idOf(kind: Named, name: string, signal: AbortSignal): Promise<string> {
    if (uuid.test(name)) return name
    const { service } = places[kind]
    if (!(await this.#api.has(service, signal)))
      throw new BackendError(
        'REJECTED',
        `${kind}: this cloud has no ${service} service to ask for "${name}": write an id`,
      )
    const entries = await this.#entries(kind, name, signal)
    if (entries.some(({ id }) => id === name)) return name
    const ids = entries.filter((one) => one.name === name).map(({ id }) => id)
    if (ids.length === 1) return ids[0]!
    const what =
      ids.length === 0
        ? `there is no ${kind} "${name}"`
        : `${ids.length} have the name "${name}": write one of ${ids.slice(0, 10).join(', ')}`
    throw new BackendError('REJECTED', `${kind}: ${what}`)
  }

  /** The network that addresses come from, where there is only one. */
  async externalNetwork(signal: AbortSignal): Promise<string> {
    const entries = await this.#entries('external network', '', signal)
    if (entries.length === 1) return entries[0]!.id
    throw new Error(`floatingIp: the cloud has ${entries.length} external networks: write { network: '...' }`)
  }

  /** Something of them is not there any more: looks again the next time. */
  forget(): void {
    this.#found.clear()
  }

  close(): void {
    this.#closing.abort(new Error('the backend is closed'))
  }

  async #entries(kind: Named, name: string, signal: AbortSignal): Promise<readonly Entry[]> {
    const { key, path, service } = places[kind]
    const url = path(encodeURIComponent(name))
    const now = this.#clock.now()
    for (const [other, { at }] of this.#found) if (now - at > keptMs) this.#found.delete(other)
    const known = this.#found.get(url)
    if (known) return untilAborted(known.entries, signal)
    // Many may wait for it: whoever asked first must not end it for the others.
    const own = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(searchMs)])
    const entries = pages<Entry>(this.#api, {
      service: service,
      path: url,
      key,
      urgency: 'start',
      signal: own,
    })
    this.#found.set(url, { at: now, entries })
    // What is not there yet may be there the next time.
    const forget = () => this.#found.delete(url)
    entries.then((all) => all.length === 0 && forget(), forget)
    return untilAborted(entries, signal)
  }
}

const places: Readonly<
  Record<Named, { readonly service: Service; readonly key: string; readonly path: (name: string) => string }>
> = {
  flavor: { service: 'compute', key: 'flavors', path: () => '/flavors' },
  'server group': { service: 'compute', key: 'server_groups', path: () => '/os-server-groups' },
  image: { service: 'image', key: 'images', path: (name) => `/images?name=${name}&status=active` },
  network: {
    service: 'network',
    key: 'networks',
    path: (name) => `/networks?name=${name}&fields=id&fields=name`,
  },
  'external network': {
    service: 'network',
    key: 'networks',
    path: (name) => `/networks?router%3Aexternal=true${name && `&name=${name}`}&fields=id&fields=name`,
  },
}

const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i
const keptMs = 300_000
const searchMs = 60_000
