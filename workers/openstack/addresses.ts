import type { InstanceId } from '../../src/latent/backend.ts'
import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { pages } from './pages.ts'
import { addressStamp, bearerOfAddress } from './stamps.ts'

interface FloatingIp {
  readonly id: string
  readonly description?: string
  readonly port_id?: string | null
}

/** Floating IPs of Neutron; those that Rouse has made have its stamp as their description. */
export class Addresses {
  readonly #api: OpenStackApi
  readonly #cluster: string

  constructor(api: OpenStackApi, cluster: string) {
    this.#api = api
    this.#cluster = cluster
  }

  /** Gives a server an address of its own: the one that was made for it, or a new one. */
  async give(
    id: InstanceId,
    ref: string,
    network: () => Promise<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const description = addressStamp(this.#cluster, id)
    const [own] = await this.#find(`description=${encodeURIComponent(description)}`, signal)
    if (own?.port_id) return
    const port_id = await this.#portOf(ref, signal)
    if (own) return await this.#associate(own.id, port_id, signal)
    const body = { floatingip: { floating_network_id: await network(), port_id, description } }
    await this.#call('POST', '/floatingips', signal, body)
  }

  /** Gives a server an address that exists. */
  async associate(ip: string, ref: string, signal: AbortSignal): Promise<void> {
    const [found] = await this.#find(`floating_ip_address=${encodeURIComponent(ip)}`, signal)
    if (!found) throw new Error(`the project has no address ${ip}`)
    const port = await this.#portOf(ref, signal)
    if (found.port_id === port) return
    if (found.port_id) throw new Error(`${ip} belongs to another server`)
    await this.#associate(found.id, port, signal)
  }

  /** Those that were made for an instance. */
  async release(id: InstanceId, signal: AbortSignal): Promise<void> {
    const description = addressStamp(this.#cluster, id)
    for (const found of await this.#find(`description=${encodeURIComponent(description)}`, signal))
      if (found.description === description) await this.#remove(found, signal)
  }

  async sweep(isAlive: (id: InstanceId) => boolean, signal: AbortSignal): Promise<void> {
    for (const found of await this.#find('', signal)) {
      const id = bearerOfAddress(found.description ?? '', this.#cluster)
      if (id !== undefined && !isAlive(id)) await this.#remove(found, signal)
    }
  }

  /** None where Neutron cannot route. */
  async #find(query: string, signal: AbortSignal): Promise<readonly FloatingIp[]> {
    const path = `/floatingips${query && `?${query}`}`
    const o = { service: 'network', path, key: 'floatingips', urgency: 'stop', signal } as const
    return (await unlessGone(pages<FloatingIp>(this.#api, o))) ?? []
  }

  async #portOf(ref: string, signal: AbortSignal): Promise<string> {
    const path = `/ports?device_id=${encodeURIComponent(ref)}`
    const { ports = [] } = await this.#call<{ ports?: { id: string; fixed_ips?: unknown[] }[] }>(
      'GET',
      path,
      signal,
    )
    const port = ports.find(({ fixed_ips }) => (fixed_ips?.length ?? 0) > 0) ?? ports[0]
    if (!port) throw new Error('the server has no port to give it to')
    return port.id
  }

  async #associate(id: string, port_id: string, signal: AbortSignal): Promise<void> {
    await this.#call('PUT', `/floatingips/${id}`, signal, { floatingip: { port_id } })
  }

  async #remove({ id }: FloatingIp, signal: AbortSignal): Promise<void> {
    await unlessGone(this.#call('DELETE', `/floatingips/${id}`, signal))
  }

  #call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<T> {
    return this.#api.call<T>({ service: 'network', method, path, body, urgency: 'stop', signal })
  }
}
