import type { Logger } from 'pino'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { BackendImages, ImageStamp } from '../../src/latent/images/backend-images.ts'
import { messageOf } from '../../src/model/errors.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode, verdict } from './ec2-error.ts'
import type { Images } from './images.ts'
import { OwnImages } from './own-images.ts'
import { shutDown } from './shut-down.ts'
import { asTags } from './stamps.ts'

interface KeptImagesOptions {
  readonly api: Ec2Api
  readonly clock: Clock
  readonly cluster: string
  readonly images: Images
  /** Milliseconds until lists surely show what was made or removed. */
  readonly lag: number
  readonly log: Logger
}

/** Root disks of machines that have provisioned an image become images of the account: 'rouse-1a2b3c4d5e6f/debian-ci/0123456789abcdef'. */
export function keptImages(options: KeptImagesOptions): BackendImages {
  const own = new OwnImages(options)
  return {
    async identify(from, { signal }) {
      // A newer one may have appeared since it was looked for the last time.
      options.images.forget()
      return (await options.images.find(from, signal)).id
    },

    async keep(id, stamp, { signal }) {
      const { ref } = await shutDown(id, { ...options, signal })
      await removeEarlier(own, stamp, { ...options, signal })
      const image = await create(own, stamp, ref, { ...options, signal })
      await available(own, image, { ...options, signal })
      return image
    },

    async list({ signal }) {
      const images = await own.all(signal)
      const left = await own.left(images, signal)
      return [...images, ...left].map(({ id }) => id)
    },

    async remove(ref, { signal }) {
      if (ref.startsWith('snap-')) return await own.removeSnapshot(ref, signal)
      const image = await own.find(ref, signal)
      if (image) await own.remove(image, signal)
    },
  }
}

type Signalled<T> = T & { readonly signal: AbortSignal }

/** Those of the same stamp that a try has left which was cut short. */
async function removeEarlier(
  own: OwnImages,
  stamp: ImageStamp,
  { log, signal }: Signalled<KeptImagesOptions>,
): Promise<void> {
  const name = own.nameOf(stamp)
  for (const earlier of (await own.all(signal)).filter((image) => image.name === name))
    await own.remove(earlier, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      // A snapshot of it that cannot be removed now is listed, and removed later.
      log.warn(`an earlier ${name}: ${messageOf(error)}`)
    })
}

async function create(
  own: OwnImages,
  stamp: ImageStamp,
  machine: string,
  options: Signalled<KeptImagesOptions>,
): Promise<string> {
  const { api, clock, lag, signal } = options
  const Name = own.nameOf(stamp)
  const Tags = asTags({ Name, ...own.stampOf(stamp) })
  const BlockDeviceMappings = await otherDevices(machine, options)
  const request = {
    InstanceId: machine,
    Name,
    Description: `Image ${stamp.name} of Rouse`,
    NoReboot: true,
    // By the same call: nothing can exist without them.
    TagSpecifications: [
      { ResourceType: 'image' as const, Tags },
      { ResourceType: 'snapshot' as const, Tags },
    ],
    ...(BlockDeviceMappings.length > 0 && { BlockDeviceMappings }),
  }
  for (const begun = clock.now(); ;) {
    try {
      const { ImageId } = await api.call('CreateImage', { signal, urgency: 'start' }, (ec2, o) =>
        ec2.createImage(request, o),
      )
      if (!ImageId) throw new Error('CreateImage: the answer has no image in it')
      return ImageId
    } catch (error) {
      if (!hasCode(error, /^InvalidAMIName\.Duplicate$/)) throw verdict(error)
      const other = await own.named(Name, signal)
      if (other && !own.isOurs(other))
        throw new BackendError('REJECTED', `the account has an image ${Name} which is not ours: ${other.id}`)
      // Made by a try that was cut short, and not in the lists until now; or just deregistered.
      if (other) await removeEarlier(own, stamp, options)
      else if (clock.now() - begun > 2 * lag) throw error
    }
    await clock.sleep(Math.min(shortestPause, Math.max(lag, 50)), signal)
  }
}

/** All disks but the root's are left out: they are the worker's own, or come with what its instances are made of. */
async function otherDevices(machine: string, { api, signal }: Signalled<KeptImagesOptions>) {
  const { Reservations = [] } = await api.call('DescribeInstances', { signal, urgency: 'stop' }, (ec2, o) =>
    ec2.describeInstances({ InstanceIds: [machine] }, o),
  )
  const [found] = Reservations.flatMap(({ Instances = [] }) => Instances)
  const { BlockDeviceMappings = [], RootDeviceName } = found ?? {}
  return BlockDeviceMappings.flatMap(({ DeviceName }) =>
    RootDeviceName && DeviceName && DeviceName !== RootDeviceName ? [{ DeviceName, NoDevice: '' }] : [],
  )
}

async function available(
  own: OwnImages,
  id: string,
  { clock, lag, log, signal }: Signalled<KeptImagesOptions>,
): Promise<void> {
  const begun = clock.now()
  for (let pause = shortestPause; ; pause = Math.min(pause * 1.5, longestPause)) {
    await clock.sleep(pause, signal)
    const image = await own.find(id, signal)
    if (image?.state === 'available') return
    if (image && image.state !== 'pending' && image.state !== 'transient') {
      const why = `EC2 could not make image ${id}: ${image.reason || `it is ${image.state}`}`
      await own.remove(image, signal).catch((error: unknown) => log.warn(`${id}: ${messageOf(error)}`))
      throw new Error(why)
    }
    if (!image && clock.now() - begun > 2 * lag) throw new Error(`image ${id} is gone: somebody removed it`)
  }
}

/** Milliseconds. */
const shortestPause = 500
const longestPause = 10_000
