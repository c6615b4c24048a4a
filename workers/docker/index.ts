import { render } from '../../src/model/properties.ts'
import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { isImageReference } from '../../src/model/image.ts'
import { isSecret } from '../../src/model/secret.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import { DockerBackend } from './docker-backend.ts'
import { dockerKey, dockerMistake, dockerOption } from './docker-host.ts'
import {
  templateOptions,
  type DockerOptions,
  type DockerTemplate,
  type DockerWorkerConfig,
  type DockerWorkerOptions,
} from './docker-options.ts'
import { templateMistakes } from './template-mistakes.ts'

export type { DockerOption, DockerTlsOption } from './docker-host.ts'
export type {
  DockerOptions,
  DockerWorkerConfig,
  DockerWorkerOptions,
  ImageBuild,
  RegistryAuth,
} from './docker-options.ts'

/** A worker whose instances are containers of a Docker Engine, started when there is something to build. */
export function dockerWorker(name: string, options: DockerWorkerOptions): DockerWorkerConfig {
  const { docker, ...given } = options ?? {}
  const of = dockerOption(docker)
  const common = Object.fromEntries(Object.entries(given).filter(([key]) => !isTemplateOption(key)))
  const { image } = given
  const { password } = given.auth ?? {}
  const use = isImageReference(image) ? image : undefined
  const template = templateOf(use ? withoutImage(given) : given)
  const mistakes = [
    dockerMistake(of) ?? [],
    templateMistakes(use ? { ...template, image: 'image' } : template),
  ].flat()
  const description: LatentDescription<DockerTemplate> = {
    backend: {
      kind: 'docker',
      key: `docker ${dockerKey(of)}`,
      open: (context) => DockerBackend.open(of, context),
    },
    ...(use && { image: imageUse(use.name, template) }),
    // Only a computed one is asked for each build.
    template: hasFunction(template) ? (properties) => render(template, properties) : template,
    mistakes,
    ...(isSecret(password) ? { secrets: [password] } : {}),
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

// A secret is replaced by a plain object: what is rendered goes into the database.
function templateOf(options: DockerOptions): Record<string, unknown> {
  const entries = templateOptions
    .filter((key) => options[key] !== undefined)
    .map((key) => [key, options[key]])
  const { auth, ...template } = Object.fromEntries(entries) as DockerOptions & Record<string, unknown>
  return auth ? { ...template, auth: { ...auth, password: auth.password?.name } } : template
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}

function withoutImage({ image: _, ...options }: DockerOptions): DockerOptions {
  return options
}

function imageUse(name: string, template: Record<string, unknown>): ImageUse<DockerTemplate> {
  // There is no build whose properties a function could be asked with.
  const plain = Object.fromEntries(Object.entries(template).filter(([, value]) => !hasFunction(value)))
  return {
    name,
    machine: ({ from }) => {
      const { command: _, ...rest } = plain as DockerTemplate
      return { ...rest, image: from, user: 'root', provisions: true }
    },
    using: ({ auth: _, ...rest }, image) => ({ ...rest, image, pull: 'never' }),
  }
}

function isTemplateOption(key: string): boolean {
  return (templateOptions as readonly string[]).includes(key)
}
