import { createHash } from 'node:crypto'
import type { Filter, Image, Snapshot } from '@aws-sdk/client-ec2'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode } from './ec2-error.ts'
import { fromTags, tags } from './stamps.ts'

/** An image of EC2, as far as Rouse wants to know it. */
export interface OwnImage {
  readonly id: string
  readonly name: string
  /** 'pending', 'available', 'failed', ... */
  readonly state: string
  /** Why it failed, in AWS's words. */
  readonly reason: string
  readonly tags: Readonly<Record<string, string>>
  /** Known once they are begun. */
  readonly snapshots: readonly string[]
}

interface OwnImagesOptions {
  readonly api: Ec2Api
  readonly clock: Clock
  readonly cluster: string
  /** Milliseconds until lists surely show what was made or removed. */
  readonly lag: number
}

/** The cluster's images and the snapshots that they are made of, known by their tags; images by their name, too: a copy has the tags as well. */
export class OwnImages {
  readonly #o: OwnImagesOptions

  constructor(options: OwnImagesOptions) {
    this.#o = options
  }

  nameOf({ hash, name }: ImageStamp): string {
    const cluster = createHash('sha256').update(this.#o.cluster).digest('hex').slice(0, 12)
    return `rouse-${cluster}/${name}/${hash}`
  }

  stampOf({ hash, name }: ImageStamp): Record<string, string> {
    return { [tags.cluster]: this.#o.cluster, [tags.kept]: `${name}@${hash}` }
  }

  isOurs({ name, tags: own }: OwnImage): boolean {
    const [of, hash] = (own[tags.kept] ?? '').split('@')
    return own[tags.cluster] === this.#o.cluster && !!of && !!hash && name === this.nameOf({ name: of, hash })
  }

  /** In any state. */
  async all(signal: AbortSignal): Promise<OwnImage[]> {
    const found = await this.#images({ Filters: this.#stamped }, signal)
    return found.filter((image) => this.isOurs(image))
  }

  /** Whosever it is. */
  async named(name: string, signal: AbortSignal): Promise<OwnImage | undefined> {
    return (await this.#images({ Filters: [{ Name: 'name', Values: [name] }] }, signal))[0]
  }

  /** Undefined: it is not there, or not yet. */
  async find(id: string, signal: AbortSignal): Promise<OwnImage | undefined> {
    try {
      return (await this.#images({ ImageIds: [id] }, signal)).find((image) => image.id === id)
    } catch (error) {
      if (hasCode(error, absent)) return undefined
      throw error
    }
  }

  /** Snapshots that no image has. */
  async left(images: readonly OwnImage[], signal: AbortSignal): Promise<OwnSnapshot[]> {
    const used = new Set(images.flatMap(({ snapshots }) => snapshots))
    // EC2 does not say yet which are theirs.
    const begun = new Set(
      images.filter(({ state }) => state === 'pending').map((image) => image.tags[tags.kept]),
    )
    return (await this.#snapshots(signal)).filter(({ id, kept }) => !used.has(id) && !begun.has(kept))
  }

  /** With its snapshots. Throws when one of these cannot be removed now: it is left then. */
  async remove(image: OwnImage, signal: AbortSignal): Promise<void> {
    if (!this.isOurs(image)) throw new BackendError('REJECTED', `image ${image.id} is not ours`)
    // Before: EC2 forgets which they are.
    const others = (await this.all(signal)).filter(({ id }) => id !== image.id)
    const snapshots = (await this.left(others, signal)).filter(({ id, kept }) =>
      image.snapshots.length > 0 ? image.snapshots.includes(id) : kept === image.tags[tags.kept],
    )
    await this.#o.api
      .call('DeregisterImage', { signal, urgency: 'stop' }, (ec2, o) =>
        ec2.deregisterImage({ ImageId: image.id }, o),
      )
      .catch(unless(absent))
    for (const { id } of snapshots) await this.removeSnapshot(id, signal)
  }

  /** One of an image that is no more, which EC2 may believe to be there for some seconds. */
  async removeSnapshot(SnapshotId: string, signal: AbortSignal): Promise<void> {
    const { api, clock, lag } = this.#o
    for (const begun = clock.now(); ;) {
      try {
        await api.call('DeleteSnapshot', { signal, urgency: 'stop' }, (ec2, o) =>
          ec2.deleteSnapshot({ SnapshotId }, o),
        )
        return
      } catch (error) {
        if (hasCode(error, /^InvalidSnapshot\.NotFound$/)) return
        if (!hasCode(error, /^InvalidSnapshot\.InUse$/) || clock.now() - begun > lag) throw error
      }
      await clock.sleep(Math.min(inUsePause, lag), signal)
    }
  }

  get #stamped(): Filter[] {
    return [
      { Name: `tag:${tags.cluster}`, Values: [this.#o.cluster] },
      { Name: 'tag-key', Values: [tags.kept] },
    ]
  }

  async #images(
    which: { readonly Filters: Filter[] } | { readonly ImageIds: string[] },
    signal: AbortSignal,
  ): Promise<OwnImage[]> {
    const size = 'ImageIds' in which ? {} : { MaxResults: pageSize }
    const found = await pages((next) =>
      this.#o.api.call('DescribeImages', { signal, urgency: 'start' }, (ec2, o) =>
        ec2.describeImages({ Owners: ['self'], ...which, ...size, ...next }, o),
      ),
    )
    return found.flatMap(({ Images = [] }) => Images).map(imageOf)
  }

  async #snapshots(signal: AbortSignal): Promise<OwnSnapshot[]> {
    const found = await pages((next) =>
      this.#o.api.call('DescribeSnapshots', { signal, urgency: 'start' }, (ec2, o) =>
        ec2.describeSnapshots(
          { OwnerIds: ['self'], Filters: this.#stamped, MaxResults: pageSize, ...next },
          o,
        ),
      ),
    )
    return found.flatMap(({ Snapshots = [] }) => Snapshots).map(snapshotOf)
  }
}

interface OwnSnapshot {
  readonly id: string
  readonly kept: string | undefined
}

function imageOf({
  BlockDeviceMappings = [],
  ImageId = '',
  Name = '',
  State,
  StateReason,
  Tags,
}: Image): OwnImage {
  return {
    id: ImageId,
    name: Name,
    state: State ?? 'pending',
    reason: StateReason?.Message ?? StateReason?.Code ?? '',
    tags: fromTags(Tags),
    snapshots: BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
  }
}

function snapshotOf({ SnapshotId = '', Tags }: Snapshot): OwnSnapshot {
  return { id: SnapshotId, kept: fromTags(Tags)[tags.kept] }
}

async function pages<T extends { NextToken?: string | undefined }>(
  read: (next: { NextToken?: string }) => Promise<T>,
): Promise<T[]> {
  const all: T[] = []
  for (let next = ''; ;) {
    const page = await read(next === '' ? {} : { NextToken: next })
    all.push(page)
    next = page.NextToken ?? ''
    if (next === '') return all
  }
}

function unless(code: RegExp): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, code)) throw error
  }
}

const absent = /^InvalidAMIID\.(NotFound|Unavailable)$/
const pageSize = 1000
/** Milliseconds. */
const inUsePause = 1000
