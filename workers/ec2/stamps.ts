import type { InstanceSpec } from '../../src/latent/backend.ts'
import type { Ec2Template } from './ec2-options.ts'

/** Tags of what Rouse makes. */
export const tags = {
  cluster: 'rouse.cluster',
  worker: 'rouse.worker',
  /** The instance's id. What has this tag is an instance, or was made for one. */
  instance: 'rouse.instance',
  name: 'rouse.name',
  generation: 'rouse.generation',
  expires: 'rouse.expires',
  /** The image, with its name where a filter has found it. */
  image: 'rouse.image',
  /** Of an image that a machine has provisioned, and of its snapshots: 'debian-ci@0123456789abcdef'. */
  kept: 'rouse.kept',
  /** What is attached once it runs: 'new', or an address that exists. */
  address: 'rouse.address',
  /** 'rouse.volume:/dev/sdf' has the volume's id. */
  volume: 'rouse.volume:',
} as const

export type Tag = { Key?: string | undefined; Value?: string | undefined }

/** What an instance and everything made for it carries. */
export function stampOf(spec: InstanceSpec<Ec2Template>, cluster: string): Record<string, string> {
  return {
    Name: spec.id,
    ...spec.template.tags,
    [tags.cluster]: cluster,
    [tags.worker]: spec.worker,
    [tags.instance]: spec.id,
    [tags.name]: spec.name,
    [tags.generation]: String(spec.generation),
    [tags.expires]: spec.expiresAt.toISOString(),
  }
}

/** What is to be done once it runs, on the instance itself: a master that starts later must know it, too. */
export function wishesOf({ elasticIp, volumes = [] }: Ec2Template): Record<string, string> {
  const address = elasticIp === true ? 'new' : elasticIp || undefined
  return {
    ...(address !== undefined && { [tags.address]: address }),
    ...Object.fromEntries(volumes.map(({ device, volumeId }) => [tags.volume + device, volumeId])),
  }
}

export function asTags(record: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(record).map(([Key, Value]) => ({ Key, Value }))
}

export function fromTags(list: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
}
