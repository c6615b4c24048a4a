import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import type { BackendImages, ImageStamp } from '../../src/latent/images/backend-images.ts'
import type { BackendContext } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { Engine } from './engine.ts'
import { isNotFound } from './engine-error.ts'
import { ensureImage } from './ensure-image.ts'
import { inspectImage } from './inspect-image.ts'
import { labels } from './stamps.ts'

/** Containers that have provisioned an image become images of the engine: rouse-1a2b3c4d5e6f/debian-ci:0123456789abcdef. */
export function keptImages(engine: Engine, context: BackendContext): BackendImages {
  const { cluster } = context
  const repository = `rouse-${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`
  return {
    async identify(from, { signal }) {
      const found = await ensureImage(engine, { image: from }, context, signal)
      return found.Id
    },

    async keep(id, stamp, { signal }) {
      const repo = `${repository}/${stamp.name}`
      const what = `cannot keep container ${id}`
      const container = await engine.call(what, signal, (docker) =>
        docker.getContainer(id).inspect({ abortSignal: signal }),
      )
      const found = container.Config.Labels
      if (found[labels.instance] !== id || found[labels.cluster] !== cluster)
        throw new BackendError('REJECTED', `container ${id} is not ours`)
      await engine.call(what, signal, async (docker) => {
        await docker
          .getContainer(container.Id)
          .stop({ t: stopSeconds, abortSignal: signal })
          .catch(ignoreStopped)
      })
      const base = await inspectImage(engine, container.Image, signal)
      await engine.call(what, signal, (docker) =>
        docker.getContainer(container.Id).commit({
          repo,
          tag: stamp.hash,
          comment: `image ${stamp.name} of Rouse`,
          changes: changesOf(stamp, base).join('\n'),
          abortSignal: signal,
        }),
      )
      return `${repo}:${stamp.hash}`
    },

    async list({ signal }) {
      const label = [`${labels.cluster}=${cluster}`, labels.kept]
      const images = await engine.call('cannot list images', signal, (docker) =>
        docker.listImages({ filters: { label }, abortSignal: signal }),
      )
      // What was committed twice has lost its first name.
      return images.flatMap(({ Id, RepoTags }) => {
        const names = (RepoTags ?? []).filter((name) => name.startsWith(`${repository}/`))
        return names.length > 0 ? names : [Id]
      })
    },

    async remove(ref, { signal }) {
      await engine
        .call(`cannot remove image ${ref}`, signal, (docker) =>
          docker.getImage(ref).remove({ abortSignal: signal }),
        )
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
    },
  }
}

/** What an image has from its container is what that was made for: an image is no instance, and runs what its base runs. */
function changesOf({ hash, name }: ImageStamp, base: Docker.ImageInspectInfo | undefined): string[] {
  const { Cmd, Entrypoint, User, WorkingDir } = base?.Config ?? {}
  // Labels cannot be taken away.
  const emptied = [
    labels.instance,
    labels.worker,
    labels.name,
    labels.generation,
    labels.expires,
    labels.image,
  ]
  return [
    ...emptied.map((label) => `LABEL ${label}=""`),
    `LABEL ${labels.kept}="${name}@${hash}"`,
    `ENTRYPOINT ${JSON.stringify(Entrypoint ?? [])}`,
    `CMD ${JSON.stringify(Cmd ?? [])}`,
    `USER ${User || 'root'}`,
    `WORKDIR ${WorkingDir || '/'}`,
  ]
}

function ignoreStopped(error: unknown): void {
  if ((error as { statusCode?: number }).statusCode !== 304) throw error
}

const stopSeconds = 30
