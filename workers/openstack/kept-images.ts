import type { Logger } from 'pino'
import type { InstanceId } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { BackendImages, ImageStamp } from '../../src/latent/images/backend-images.ts'
import { messageOf } from '../../src/model/errors.ts'
import type { Names } from './names.ts'
import { unlessGone } from './openstack-api.ts'
import { hasStatus, verdict } from './openstack-error.ts'
import { OwnImages, type OwnImage } from './own-images.ts'
import type { NovaServer } from './server.ts'
import { shutDown, type ShutDownOptions } from './shut-down.ts'

interface KeptImagesOptions extends Omit<ShutDownOptions, 'signal'> {
  readonly cluster: string
  readonly log: Logger
  readonly names: Names
}

/** Disks of servers that have provisioned an image become images of the project: 'rouse-1a2b3c4d5e6f/debian-ci/0123456789abcdef'. */
export function keptImages(options: KeptImagesOptions): BackendImages {
  const own = new OwnImages(options)
  return {
    async identify(from, { signal }) {
      // The name may be another one's since it was looked for the last time.
      options.names.forget()
      const id = await options.names.idOf('image', from, signal)
      if (!(await own.find(id, signal)))
        throw new BackendError('REJECTED', `image: there is no image "${from}"`)
      return id
    },

    async keep(id, stamp, { signal }) {
      const o = { ...options, signal }
      const made = await create(own, { id, stamp }, o)
      await stored(own, made, o)
      return made.image
    },

    async list({ signal }) {
      return (await own.all(signal)).map(({ id }) => id)
    },

    async remove(ref, { signal }) {
      const image = await own.find(ref, signal)
      if (image) await own.remove(image, signal)
    },
  }
}

interface Made {
  readonly image: string
  readonly server: string
}

type Signalled<T> = T & { readonly signal: AbortSignal }

async function create(
  own: OwnImages,
  { id, stamp }: { readonly id: InstanceId; readonly stamp: ImageStamp },
  o: Signalled<KeptImagesOptions>,
): Promise<Made> {
  const { api, clock, signal } = o
  const name = own.nameOf(stamp)
  const ofTheStamp = async () => (await own.all(signal)).filter((image) => image.name === name)
  const body = { createImage: { name, metadata: own.stampOf(stamp) } }
  for (;;) {
    const { ref } = await shutDown(id, o)
    const path = `/servers/${ref}/action`
    // Of a try that was cut short.
    for (const earlier of await ofTheStamp()) await own.remove(earlier, signal)
    try {
      const answer = await api.call<{ image_id?: string } | undefined>({
        ...{ service: 'compute', method: 'POST', path, body, urgency: 'start', signal },
      })
      // Nova before 2.45 says it in a header only.
      const image = answer?.image_id ?? (await ofTheStamp())[0]?.id
      if (image === undefined) throw new Error(`POST ${path}: Nova has made no image`)
      return { image, server: ref }
    } catch (error) {
      // Nova still makes the one that is no longer wanted.
      if (!hasStatus(error, 409)) throw verdict(error)
    }
    await clock.sleep(busyPause, signal)
  }
}

/** Resolves when the image is whole. */
async function stored(
  own: OwnImages,
  { image: id, server }: Made,
  { api, clock, log, signal }: Signalled<KeptImagesOptions>,
): Promise<void> {
  const path = `/servers/${server}`
  const get = { service: 'compute', method: 'GET', path, urgency: 'start', signal } as const
  let idleSince: number | undefined
  for (let pause = shortestPause; ; pause = Math.min(pause * 1.5, longestPause)) {
    await clock.sleep(pause, signal)
    const image = await own.find(id, signal)
    if (image?.status === 'active') return
    // Nova removes what it could not finish, and puts down why for its operator only.
    if (!image) throw new Error(`Nova could not make image ${id}, and has removed it`)
    const begun = await unlessGone(api.call<{ server: NovaServer }>(get))
    const isBusy = Boolean(begun?.server['OS-EXT-STS:task_state'])
    idleSince = isBusy ? undefined : (idleSince ?? clock.now())
    const isForgotten =
      image.status === 'queued' && idleSince !== undefined && clock.now() - idleSince > forgottenMs
    if (unfinished.has(image.status ?? '') && !isForgotten) continue
    await removeFailed(own, image, { log, signal })
    throw new Error(
      `image ${id} is ${image.status}, and ${isForgotten ? 'Nova does no more for it' : 'of no use'}`,
    )
  }
}

async function removeFailed(
  own: OwnImages,
  image: OwnImage,
  { log, signal }: Pick<Signalled<KeptImagesOptions>, 'log' | 'signal'>,
): Promise<void> {
  await own.remove(image, signal).catch((error: unknown) => log.warn(`${image.id}: ${messageOf(error)}`))
}

const unfinished: ReadonlySet<string> = new Set(['queued', 'saving', 'uploading', 'importing'])
/** Milliseconds. */
const shortestPause = 500
const longestPause = 10_000
const busyPause = 1000
/** A server does nothing, and its image has not been begun. */
const forgottenMs = 120_000
