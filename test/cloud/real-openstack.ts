import { readAccount } from '../../workers/openstack/account.ts'
import { rootOf } from '../../workers/openstack/catalogue.ts'
import { Identity } from '../../workers/openstack/identity.ts'
import type { OpenStackTemplate } from '../../workers/openstack/openstack-options.ts'
import { OpenStackApi, type Call } from '../../workers/openstack/openstack-api.ts'
import { systemClock } from '../../src/util/clock.ts'
import { readSecret, templateOf } from '../workers/openstack/open-openstack-backend.ts'

/** Why no real OpenStack is to be used; undefined: one is. */
export function missingOpenStack(): string | undefined {
  const { OS_AUTH_URL, OS_CLOUD, ROUSE_TEST_CLOUD } = process.env
  if (ROUSE_TEST_CLOUD !== '1') return 'makes servers in a real cloud: `npm run test:cloud` with OS_*'
  return OS_AUTH_URL || OS_CLOUD ? undefined : 'needs OS_AUTH_URL and so on, or OS_CLOUD'
}

/** The cloud of OS_*, by its own account. */
export class RealOpenStack {
  readonly #api: OpenStackApi

  static async open(): Promise<RealOpenStack> {
    return new RealOpenStack(await OpenStackApi.open({}, here, systemClock))
  }

  private constructor(api: OpenStackApi) {
    this.#api = api
  }

  /** ROUSE_TEST_OS_IMAGE and ROUSE_TEST_OS_FLAVOR, by default what costs least. */
  async template(): Promise<OpenStackTemplate> {
    const { ROUSE_TEST_OS_FLAVOR, ROUSE_TEST_OS_IMAGE } = process.env
    const flavors = await this.get<{ flavors: { id: string; ram: number; vcpus: number }[] }>(
      '/flavors/detail',
    )
    const [smallest] = flavors.flavors.toSorted((a, b) => a.vcpus - b.vcpus || a.ram - b.ram)
    const images = await this.call<{ images: { id: string }[] }>({
      service: 'image',
      path: '/images?status=active',
    })
    return templateOf({
      image: ROUSE_TEST_OS_IMAGE ?? images.images[0]!.id,
      flavor: ROUSE_TEST_OS_FLAVOR ?? smallest!.id,
    })
  }

  async bearers(id: string): Promise<number> {
    const { servers } = await this.get<{ servers: RealServer[] }>('/servers/detail')
    return servers.filter((one) => one.metadata['rouse.instance'] === id && isLiving(one)).length
  }

  /** Servers with any stamp of Rouse's. */
  async machines(): Promise<RealServer[]> {
    const { servers } = await this.get<{ servers: RealServer[] }>('/servers/detail')
    return servers.filter((one) => 'rouse.instance' in one.metadata)
  }

  /** Fills the quota with servers that are not Rouse's; undefined: there is too much of it. */
  async useUp(template: OpenStackTemplate): Promise<{ free(): Promise<void> } | undefined> {
    const { limits } = await this.get<{ limits: { absolute: Record<string, number> } }>('/limits')
    const free = limits.absolute.maxTotalInstances! - limits.absolute.totalInstancesUsed!
    if (free < 0 || free > 20) return undefined
    const made: string[] = []
    const server = { name: 'filler', imageRef: template.image, flavorRef: template.flavor, networks: 'none' }
    for (let i = 0; i < free; i++)
      made.push(
        (await this.call<{ server: { id: string } }>({ method: 'POST', path: '/servers', body: { server } }))
          .server.id,
      )
    return {
      free: async () => {
        for (const id of made) await this.call({ method: 'DELETE', path: `/servers/${id}` })
      },
    }
  }

  /** Stores something as the images that wait for it, as a hypervisor does. */
  async fillImages(): Promise<void> {
    const { images } = await this.call<{ images: { id: string; status: string }[] }>({
      service: 'image',
      path: '/images?status=queued',
    })
    const account = await readAccount({}, here)
    const identity = new Identity(account, systemClock)
    try {
      const signal = AbortSignal.timeout(60_000)
      const session = await identity.session(signal)
      const root = rootOf('image', session, account)!
      const send = async (method: string, path: string, type: string, body: string) => {
        const headers = { 'x-auth-token': session.token, 'content-type': type }
        await (await fetch(`${root}${path}`, { method, headers, body, signal })).text()
      }
      const formats = Object.entries({ disk_format: 'raw', container_format: 'bare' })
      const patch = formats.map(([name, value]) => ({ op: 'replace', path: `/${name}`, value }))
      for (const { id } of images) {
        const type = 'application/openstack-images-v2.1-json-patch'
        await send('PATCH', `/images/${id}`, type, JSON.stringify(patch))
        await send('PUT', `/images/${id}/file`, 'application/octet-stream', 'a disk')
      }
    } finally {
      identity.close()
    }
  }

  /** Where Nova is, without its version. */
  async computeRoot(): Promise<string> {
    const account = await readAccount({}, here)
    const identity = new Identity(account, systemClock)
    const root = rootOf('compute', await identity.session(AbortSignal.timeout(60_000)), account)
    identity.close()
    return root!.replace(/\/v2\.1.*$/, '')
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>({ path })
  }

  call<T>(call: Partial<Call> & Pick<Call, 'path'>): Promise<T> {
    const signal = AbortSignal.timeout(60_000)
    return this.#api.call<T>({ service: 'compute', method: 'GET', urgency: 'list', signal, ...call })
  }

  close(): void {
    this.#api.close()
  }
}

const here = { configDir: process.cwd(), readSecret }

export interface RealServer {
  readonly id: string
  readonly status: string
  readonly metadata: Readonly<Record<string, string>>
  readonly 'OS-EXT-STS:task_state'?: string | null
}

export function isLiving(server: RealServer): boolean {
  return server.status !== 'DELETED' && server['OS-EXT-STS:task_state'] !== 'deleting'
}
