import { render, type PropertyReader } from '../../src/model/properties.ts'
import { isImageReference } from '../../src/model/image.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import {
  connectionKey,
  connectionMistakes,
  connectionOptions,
  type ConnectionOptions,
} from './connection-options.ts'
import { imageUse } from './image-use.ts'
import { OpenStackBackend } from './openstack-backend.ts'
import {
  serverOptions,
  type OpenStackTemplate,
  type OpenStackWorkerConfig,
  type OpenStackWorkerOptions,
} from './openstack-options.ts'
import { templateMistakes } from './template-mistakes.ts'

export type { ConnectionOptions, Interface, OpenStackAuth, Service } from './connection-options.ts'
export type {
  BootVolume,
  OpenStackWorkerConfig,
  OpenStackWorkerOptions,
  ServerOptions,
} from './openstack-options.ts'

/** A worker whose instances are servers of an OpenStack cloud, started when there is something to build. */
export function openstackWorker(name: string, options: OpenStackWorkerOptions): OpenStackWorkerConfig {
  const given: Readonly<Record<string, unknown>> = { ...options }
  const connection = picked(given, connectionOptions) as unknown as ConnectionOptions
  const use = isImageReference(given.image) ? given.image : undefined
  const template = picked(use ? { ...given, image: undefined } : given, serverOptions)
  const own: readonly string[] = [...connectionOptions, ...serverOptions]
  const common = Object.fromEntries(Object.entries(given).filter(([key]) => !own.includes(key)))
  const description: LatentDescription<OpenStackTemplate> = {
    backend: {
      kind: 'openstack',
      key: connectionKey(connection),
      open: (context) => OpenStackBackend.open(connection, context),
    },
    ...(use && { image: imageUse(use.name, template, hasFunction) }),
    // Only a computed one is asked for each build.
    template: (hasFunction(template)
      ? (properties: PropertyReader) => render(template, properties)
      : template) as unknown as LatentDescription<OpenStackTemplate>['template'],
    mistakes: [
      ...connectionMistakes(given),
      ...templateMistakes(use ? { ...template, image: 'image' } : template),
    ],
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

function picked(
  options: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  )
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}
