import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { plainTemplateOf } from '../../src/latent/template-of.ts'
import type { OpenStackTemplate } from './openstack-options.ts'

/** How workers are made of an image() of the config; `template` names no image. */
export function imageUse(
  name: string,
  template: Readonly<Record<string, unknown>>,
): ImageUse<OpenStackTemplate> {
  const plain = plainTemplateOf<OpenStackTemplate>(template)
  return {
    name,
    machine: ({ from, size }) => {
      // Of a volume Nova makes a snapshot at Cinder, and an image that only points to that.
      const { floatingIp, volume: _volume, ...rest } = plain
      return {
        ...rest,
        image: from,
        provisions: true,
        // One of yours may be another server's now.
        ...(floatingIp !== undefined && typeof floatingIp !== 'string' && { floatingIp }),
        ...(size !== undefined && { size }),
      }
    },
    using: (base, ref) => ({ ...base, image: ref }),
  }
}
