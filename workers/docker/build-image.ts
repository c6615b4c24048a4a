import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type Docker from 'dockerode'
import { BackendError } from '../../src/latent/backend-error.ts'
import { messageOf } from '../../src/model/errors.ts'
import { contextEntries } from './context-entries.ts'
import type { ImageBuild } from './docker-options.ts'
import type { Engine } from './engine.ts'
import { inspectImage } from './inspect-image.ts'
import { EngineError, isCapacity } from './engine-error.ts'
import { followProgress } from './follow-progress.ts'
import { labels } from './stamps.ts'
import { tarStream } from './tar.ts'

/** The image of a build, made when there is none yet for this content. Throws BackendError REJECTED when it cannot be built. */
export async function buildImage(
  engine: Engine,
  build: ImageBuild,
  configDir: string,
  signal: AbortSignal,
): Promise<Docker.ImageInspectInfo> {
  const folder = resolve(configDir, build.context)
  const what = `cannot build ${folder}`
  try {
    const hash = createHash('sha256').update(JSON.stringify([build.dockerfile, build.args, build.target]))
    for await (const part of tarStream(contextEntries(folder))) hash.update(part as Buffer)
    const tag = `rouse-build:${hash.digest('hex').slice(0, 32)}`
    const present = await inspectImage(engine, tag, signal)
    if (present) return present
    await engine.call(what, signal, async (docker) => {
      const stream = await docker.buildImage(tarStream(contextEntries(folder)), {
        t: tag,
        dockerfile: build.dockerfile ?? 'Dockerfile',
        labels: { [labels.helper]: 'build' },
        rm: true,
        forcerm: true,
        ...(build.args && { buildargs: build.args }),
        ...(build.target !== undefined && { target: build.target }),
        abortSignal: signal,
      })
      await followProgress(what, stream, signal)
    })
    const built = await inspectImage(engine, tag, signal)
    if (!built) throw new Error(`${what}: the engine has built it and does not have it`)
    return built
  } catch (error) {
    if (error instanceof BackendError) throw error
    const message = messageOf(error)
    if (isCapacity(message)) throw new BackendError('CAPACITY', message, { cause: error })
    const missing = ['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')
    if (missing || error instanceof EngineError)
      throw new BackendError('REJECTED', missing ? `${what}: ${message}` : message, { cause: error })
    throw error
  }
}
