import type { InstanceId } from '../../src/latent/backend.ts'
import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { pages } from './pages.ts'
import { stamps } from './stamps.ts'

interface Volume {
  readonly id: string
  readonly status?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** Volumes that Nova makes for servers, and forgets now and then. It makes them without a stamp, which they get here. */
export class Volumes {
  readonly #api: OpenStackApi
  readonly #cluster: string

  constructor(api: OpenStackApi, cluster: string) {
    this.#api = api
    this.#cluster = cluster
  }

  async stamp(
    volume: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `/volumes/${volume}/metadata`
    await this.#api.call({
      service: 'volume',
      method: 'POST',
      path,
      body: { metadata },
      urgency: 'start',
      signal,
    })
  }

  async sweep(isAlive: (id: InstanceId) => boolean, signal: AbortSignal): Promise<void> {
    const o = { service: 'volume', key: 'volumes', urgency: 'stop', signal } as const
    for (const { id, metadata = {}, status = '' } of await pages<Volume>(this.#api, {
      ...o,
      path: '/volumes/detail',
    })) {
      const bearer = metadata[stamps.instance]
      if (metadata[stamps.cluster] !== this.#cluster || bearer === undefined || isAlive(bearer)) continue
      if (!deletable.has(status)) continue
      await unlessGone(
        this.#api.call({
          service: 'volume',
          method: 'DELETE',
          path: `/volumes/${id}`,
          urgency: 'stop',
          signal,
        }),
      )
    }
  }
}

const deletable: ReadonlySet<string> = new Set(['available', 'error', 'error_restoring', 'error_extending'])
