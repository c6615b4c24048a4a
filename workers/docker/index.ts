import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { isImageReference } from '../../src/model/image.ts'
import { isSecret } from '../../src/model/secret.ts'
import type { LatentDescription } from '../../src/latent/latent-worker.ts'
import { plainTemplateOf, templateOf } from '../../src/latent/template-of.ts'
import { omit, pick } from '../../src/util/pick.ts'
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
  const common = omit(given, templateOptions)
  const { image } = given
  const { password } = given.auth ?? {}
  const use = isImageReference(image) ? image : undefined
  const template = withoutSecret(pick(use ? omit(given, ['image']) : given, templateOptions))
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
    template: templateOf(template),
    mistakes,
    ...(isSecret(password) ? { secrets: [password] } : {}),
  }
  return Object.freeze({ ...common, ...description, kind: 'latent', name })
}

// It is replaced by a plain object: what is rendered goes into the database.
function withoutSecret({
  auth,
  ...template
}: DockerOptions & Record<string, unknown>): Record<string, unknown> {
  return auth ? { ...template, auth: { ...auth, password: auth.password?.name } } : template
}

function imageUse(name: string, template: Record<string, unknown>): ImageUse<DockerTemplate> {
  const plain = plainTemplateOf<DockerTemplate>(template)
  return {
    name,
    machine: ({ from }) => {
      const { command: _, ...rest } = plain
      return { ...rest, image: from, user: 'root', provisions: true }
    },
    using: ({ auth: _, ...rest }, image) => ({ ...rest, image, pull: 'never' }),
  }
}
