import { messageOf } from '../../src/model/errors.ts'
import type { Addresses } from './addresses.ts'
import type { Names } from './names.ts'
import type { OpenStackApi } from './openstack-api.ts'
import type { Server } from './server.ts'
import { stamps } from './stamps.ts'
import type { Volumes } from './volumes.ts'

/** Gives servers what Nova cannot give them when it makes them: their address, and a stamp on their disk. */
export class Complete {
  readonly #o: {
    readonly addresses: Addresses
    readonly api: OpenStackApi
    readonly names: Names
    readonly volumes: Volumes
  }
  /** Servers that have their address, volumes that have their stamp. */
  readonly #done = new Set<string>()

  constructor(parts: { addresses: Addresses; api: OpenStackApi; names: Names; volumes: Volumes }) {
    this.#o = parts
  }

  /** Whether there is something to be done for it. */
  lacks({ metadata, ref, status, volumes }: Server): boolean {
    const address = metadata[stamps.address] !== undefined && status === 'ACTIVE' && !this.#done.has(ref)
    return address || volumes.some((volume) => !this.#done.has(volume))
  }

  /** Resolves to what could not be done, undefined when all is well. It is tried again with the next list. */
  async complete(server: Server, signal: AbortSignal): Promise<string | undefined> {
    const troubles: string[] = []
    const attempt = (what: string, key: string, work: () => Promise<void>) =>
      work().then(
        () => void this.#done.add(key),
        (error: unknown) => void troubles.push(`${what}: ${messageOf(error)}`),
      )
    const fresh = server.volumes.filter((volume) => !this.#done.has(volume))
    const stamp = async (volume: string) => {
      if (await this.#o.api.has('volume', signal))
        await this.#o.volumes.stamp(volume, stampIn(server), signal)
    }
    for (const volume of fresh) await attempt('its disk has no stamp', volume, () => stamp(volume))
    const address = server.metadata[stamps.address]
    if (address !== undefined && server.status === 'ACTIVE' && !this.#done.has(server.ref))
      await attempt('no address', server.ref, () => this.#giveAddress(server, address, signal))
    return troubles.length > 0 ? troubles.join('; ') : undefined
  }

  /** Only these are left. */
  keep(servers: readonly Server[]): void {
    const left = new Set(servers.flatMap(({ ref, volumes }) => [ref, ...volumes]))
    for (const key of this.#done) if (!left.has(key)) this.#done.delete(key)
  }

  async #giveAddress({ metadata, ref }: Server, wish: string, signal: AbortSignal): Promise<void> {
    const { addresses, names } = this.#o
    if (wish !== 'new' && !wish.startsWith('new ')) return await addresses.associate(wish, ref, signal)
    const network = () =>
      wish === 'new' ? names.externalNetwork(signal) : names.idOf('external network', wish.slice(4), signal)
    await addresses.give(metadata[stamps.instance] ?? '', ref, network, signal)
  }
}

function stampIn({ metadata }: Server): Record<string, string> {
  const keys = [stamps.cluster, stamps.worker, stamps.instance, stamps.expires]
  return Object.fromEntries(keys.map((key) => [key, metadata[key] ?? '']))
}
