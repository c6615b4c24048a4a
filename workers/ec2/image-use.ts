import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { plainTemplateOf } from '../../src/latent/template-of.ts'
import type { Ec2Template } from './ec2-options.ts'

/** How workers are made of an image() of the config; `template` names no image. */
export function imageUse(name: string, template: Readonly<Record<string, unknown>>): ImageUse<Ec2Template> {
  const plain = plainTemplateOf<Ec2Template>(template)
  return {
    name,
    machine: ({ from, size }) => {
      // A spot instance cannot be stopped, and what builds have at hand is no part of an image. It boots once.
      const { elasticIp, idle: _idle, spot: _spot, volumes: _volumes, ...rest } = plain
      return {
        ...rest,
        ami: from,
        provisions: true,
        // One of yours may be another machine's now.
        ...(elasticIp === true && { elasticIp }),
        ...(size !== undefined && { rootSize: gibOf(size) }),
      }
    },
    using: (base, ref) => ({ ...base, ami: ref }),
  }
}

/** Of bytes, or '20g': as the config has checked it. */
function gibOf(size: number | string): number {
  const [, count = '', unit = ''] = /^(\d+)\s*([kmgt]?)i?b?$/i.exec(String(size)) ?? []
  const bytes = Number(count) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' ')
  return Math.ceil(bytes / 1024 ** 3)
}
