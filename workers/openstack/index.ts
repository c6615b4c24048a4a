import { isImageReference } from '../../src/model/image.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import { templateOf } from '../../src/latent/template-of.ts'
import { omit, pick } from '../../src/util/pick.ts'
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
  const connection = pick(given, connectionOptions) as unknown as ConnectionOptions
  const use = isImageReference(given.image) ? given.image : undefined
  const template = pick(use ? omit(given, ['image']) : given, serverOptions)
  const common = omit(given, [...connectionOptions, ...serverOptions])
  const description: LatentDescription<OpenStackTemplate> = {
    backend: {
      kind: 'openstack',
      key: connectionKey(connection),
      open: (context) => OpenStackBackend.open(connection, context),
    },
    ...(use && { image: imageUse(use.name, template) }),
    template: templateOf(template),
    mistakes: [
      ...connectionMistakes(given),
      ...templateMistakes(use ? { ...template, image: 'image' } : template),
    ],
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}
