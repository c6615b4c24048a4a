import type { Image } from '@aws-sdk/client-ec2'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { Clock } from '../../src/util/clock.ts'
import { untilAborted, type Ec2Api } from './ec2-api.ts'
import type { ImageFilter } from './ec2-options.ts'

export interface FoundImage {
  readonly id: string
  /** For people: the id, with its name where a filter has found it. */
  readonly name: string
}

/** Finds the image of a filter when an instance starts; for some minutes the same one for all. */
export class Images {
  readonly #api: Ec2Api
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #found = new Map<string, { readonly at: number; readonly image: Promise<FoundImage> }>()

  constructor(api: Ec2Api, clock: Clock) {
    this.#api = api
    this.#clock = clock
  }

  async find(ami: string | ImageFilter, signal: AbortSignal): Promise<FoundImage> {
    const filter = filterOf(ami)
    if (typeof filter === 'string') return { id: filter, name: filter }
    const key = JSON.stringify(filter)
    const now = this.#clock.now()
    for (const [other, { at }] of this.#found) if (now - at > keptMs) this.#found.delete(other)
    const known = this.#found.get(key)
    if (known) return untilAborted(known.image, signal)
    // Many may wait for it: whoever asked first must not end it for the others.
    const own = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(searchMs)])
    const image = this.#search(filter, own)
    this.#found.set(key, { at: now, image })
    image.catch(() => this.#found.delete(key))
    return untilAborted(image, signal)
  }

  /** How an image calls its root disk: '/dev/xvda'. */
  async rootDevice(id: string, signal: AbortSignal): Promise<string> {
    const { Images: found = [] } = await this.#api.call(
      'DescribeImages',
      { signal, urgency: 'start' },
      (ec2, o) => ec2.describeImages({ ImageIds: [id] }, o),
    )
    const device = found[0]?.RootDeviceName
    if (!device) throw new BackendError('REJECTED', `size: ${id} does not say which its root disk is`)
    return device
  }

  /** It is not there any more: looks again the next time. */
  forget(): void {
    this.#found.clear()
  }

  close(): void {
    this.#closing.abort(new Error('the backend is closed'))
  }

  async #search({ architecture, name, owners }: ImageFilter, signal: AbortSignal): Promise<FoundImage> {
    const filters = { name, state: 'available', ...(architecture !== undefined && { architecture }) }
    const images: Image[] = []
    let NextToken: string | undefined
    do {
      const page = await this.#api.call('DescribeImages', { signal, urgency: 'start' }, (ec2, o) =>
        ec2.describeImages(
          {
            Owners: [...owners],
            Filters: Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] })),
            ...(NextToken !== undefined && { NextToken }),
          },
          o,
        ),
      )
      images.push(...(page.Images ?? []))
      NextToken = page.NextToken || undefined
    } while (NextToken !== undefined)
    const newest = images.reduce<Image | undefined>(
      (best, one) => ((best?.CreationDate ?? '') >= (one.CreationDate ?? '') && best ? best : one),
      undefined,
    )
    if (!newest?.ImageId)
      throw new BackendError(
        'REJECTED',
        `ami: no image of ${owners.join(', ')} matches "${name}"${architecture ? ` for ${architecture}` : ''}`,
      )
    const id = newest.ImageId
    return { id, name: newest.Name ? `${id} (${newest.Name})` : id }
  }
}

/** 'OWNER/PATTERN' as a filter; ids as they are. */
function filterOf(ami: string | ImageFilter): string | ImageFilter {
  if (typeof ami !== 'string' || !ami.includes('/')) return ami
  const slash = ami.indexOf('/')
  return { owners: [ami.slice(0, slash)], name: ami.slice(slash + 1) }
}

const keptMs = 300_000
const searchMs = 60_000
