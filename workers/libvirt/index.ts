import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { isImageReference } from '../../src/model/image.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import { plainTemplateOf, templateOf } from '../../src/latent/template-of.ts'
import { omit, pick } from '../../src/util/pick.ts'
import {
  templateOptions,
  type LibvirtTemplate,
  type LibvirtWorkerConfig,
  type LibvirtWorkerOptions,
} from './libvirt-options.ts'
import { templateMistakes, uriMistake } from './template-mistakes.ts'

export type {
  DirectBoot,
  LibvirtOptions,
  LibvirtWorkerConfig,
  LibvirtWorkerOptions,
} from './libvirt-options.ts'

/** A worker whose instances are virtual machines of a libvirt host, started when there is something to build. */
export function libvirtWorker(name: string, options: LibvirtWorkerOptions): LibvirtWorkerConfig {
  const { uri = 'qemu:///system', ...given } = options ?? {}
  const common = omit(given, templateOptions)
  const { image } = given
  const use = isImageReference(image) ? image : undefined
  const template = pick(use ? omit(given, ['image']) : given, templateOptions)
  const description: LatentDescription<LibvirtTemplate> = {
    backend: {
      kind: 'libvirt',
      key: `libvirt ${uri}`,
      // What a config without libvirt workers does not need is not loaded.
      open: async (context) => {
        const { LibvirtBackend } = await import('./libvirt-backend.ts')
        return new LibvirtBackend(uri, context)
      },
    },
    ...(use && { image: imageUse(use.name, template) }),
    template: templateOf(template),
    ...(given.reset !== undefined && { reset: given.reset }),
    mistakes: [
      uriMistake(uri) ?? [],
      templateMistakes(use ? { ...template, image: 'pool/image' } : template),
    ].flat(),
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

function imageUse(name: string, template: Record<string, unknown>): ImageUse<LibvirtTemplate> {
  const plain = plainTemplateOf<LibvirtTemplate>(template)
  return {
    name,
    machine: ({ from, size }) => {
      const { reset: _, ...rest } = plain
      return { ...rest, ...(size !== undefined && { diskSize: size }), image: from, provisions: true }
    },
    using: (base, ref) => ({ ...base, image: ref, imageFormat: 'qcow2' }),
  }
}
