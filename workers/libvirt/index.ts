import { render } from '../../src/model/properties.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import {
  templateOptions,
  type LibvirtOptions,
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
  const common = Object.fromEntries(Object.entries(given).filter(([key]) => !isTemplateOption(key)))
  const template = templateOf(given)
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
    // Only a computed one is asked for each build.
    template: hasFunction(template) ? (properties) => render(template, properties) : template,
    ...(given.reset !== undefined && { reset: given.reset }),
    mistakes: [uriMistake(uri) ?? [], templateMistakes(template)].flat(),
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

function templateOf(options: LibvirtOptions): Record<string, unknown> {
  const entries = templateOptions
    .filter((key) => options[key] !== undefined)
    .map((key) => [key, options[key]])
  return Object.fromEntries(entries) as Record<string, unknown>
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}

function isTemplateOption(key: string): boolean {
  return (templateOptions as readonly string[]).includes(key)
}
