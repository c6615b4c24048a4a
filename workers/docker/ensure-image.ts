import type Docker from 'dockerode'
import type { BackendContext } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { messageOf } from '../../src/model/errors.ts'
import { secret } from '../../src/model/secret.ts'
import { buildImage } from './build-image.ts'
import type { DockerTemplate } from './docker-options.ts'
import type { Engine } from './engine.ts'
import { EngineError, isCapacity } from './engine-error.ts'
import { followProgress } from './follow-progress.ts'
import { inspectImage } from './inspect-image.ts'

/** The template's image on the engine: pulled or built where it has to be. Throws BackendError. */
export async function ensureImage(
  engine: Engine,
  template: DockerTemplate,
  context: BackendContext,
  signal: AbortSignal,
): Promise<Docker.ImageInspectInfo> {
  const { build, image, pull = 'missing' } = template
  if (build) return await buildImage(engine, build, context.configDir, signal)
  const name = image!
  if (pull === 'always') await pullImage(engine, name, template, context, signal)
  const found = await inspectImage(engine, name, signal)
  if (found) return found
  if (pull === 'never')
    throw new BackendError(
      'REJECTED',
      `image ${name} is not on the Docker Engine at ${engine.host}, and pull is 'never'`,
    )
  await pullImage(engine, name, template, context, signal)
  const pulled = await inspectImage(engine, name, signal)
  if (!pulled) throw new Error(`image ${name} was pulled and is not there`)
  return pulled
}

async function pullImage(
  engine: Engine,
  name: string,
  { auth }: DockerTemplate,
  context: BackendContext,
  signal: AbortSignal,
): Promise<void> {
  const what = `cannot pull image ${name}`
  context.log.info({ image: name, engine: engine.host }, 'pulling an image')
  const login = auth && {
    username: auth.username,
    password: context.readSecret(secret(auth.password)),
    serveraddress: auth.server ?? registryOf(name),
  }
  try {
    await engine.call(what, signal, async (docker) => {
      const { reference, tag } = splitImage(name)
      const options = { fromImage: reference, ...(tag && { tag }), abortSignal: signal }
      const stream = await docker.createImage(login as object, options)
      await followProgress(what, stream, signal)
    })
  } catch (error) {
    if (error instanceof BackendError) throw error
    const message = messageOf(error)
    if (isCapacity(message)) throw new BackendError('CAPACITY', message, { cause: error })
    const wrong =
      (error instanceof EngineError && [400, 401, 403, 404].includes(error.status)) ||
      noSuchImage.test(message)
    throw wrong ? new BackendError('REJECTED', message, { cause: error }) : error
  }
}

// A digest stays with the name; without a tag the engine would pull every one.
function splitImage(name: string): { reference: string; tag: string | undefined } {
  if (name.includes('@')) return { reference: name, tag: undefined }
  const colon = name.lastIndexOf(':')
  if (colon <= name.lastIndexOf('/')) return { reference: name, tag: 'latest' }
  return { reference: name.slice(0, colon), tag: name.slice(colon + 1) }
}

function registryOf(name: string): string {
  const first = name.slice(0, Math.max(0, name.indexOf('/')))
  return /[.:]|^localhost$/.test(first) ? first : 'https://index.docker.io/v1/'
}

const noSuchImage =
  /manifest unknown|manifest for .* not found|not found: manifest|repository does not exist|pull access denied|unauthorized|denied: |invalid reference|no matching manifest/i
