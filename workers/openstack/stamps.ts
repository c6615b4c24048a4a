import type { InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import type { OpenStackTemplate } from './openstack-options.ts'

/** Metadata of the servers, and of their volumes, that Rouse makes. */
export const stamps = {
  cluster: 'rouse.cluster',
  worker: 'rouse.worker',
  /** The instance's id. What has this is an instance, or was made for one. */
  instance: 'rouse.instance',
  name: 'rouse.name',
  generation: 'rouse.generation',
  expires: 'rouse.expires',
  /** Of an image that a server has provisioned: 'debian-ci@0123456789abcdef'. */
  kept: 'rouse.kept',
  /** The address it is given once it runs: 'new', 'new NETWORK', or one that exists. */
  address: 'rouse.address',
} as const

/** What a server carries. OpenStack takes 255 bytes a value at most. */
export function stampOf(spec: InstanceSpec<OpenStackTemplate>, cluster: string): Record<string, string> {
  const { floatingIp, metadata } = spec.template
  const wish =
    floatingIp === true ? 'new' : typeof floatingIp === 'object' ? `new ${floatingIp.network}` : floatingIp
  const record = {
    ...metadata,
    [stamps.cluster]: cluster,
    [stamps.worker]: spec.worker,
    [stamps.instance]: spec.id,
    [stamps.name]: spec.name,
    [stamps.generation]: String(spec.generation),
    [stamps.expires]: spec.expiresAt.toISOString(),
    ...(wish && { [stamps.address]: wish }),
  }
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, cut(value)]))
}

/** The description of an address that was made for an instance: addresses have no metadata. */
export function addressStamp(cluster: string, id: InstanceId): string {
  return `rouse cluster=${cluster} instance=${id}`
}

/** The instance that an address of this cluster was made for. */
export function bearerOfAddress(description: string, cluster: string): InstanceId | undefined {
  const prefix = addressStamp(cluster, '')
  return description.startsWith(prefix) ? description.slice(prefix.length) : undefined
}

/** The longest beginning of a text that has 255 bytes at most. */
function cut(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= mostBytes) return text
  let end = mostBytes
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString()
}

const mostBytes = 255
