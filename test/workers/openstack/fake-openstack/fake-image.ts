import type { FakeServer } from './fake-server.ts'

export interface FakeImage {
  readonly id: string
  readonly name: string
  readonly status: string
  /** Of one that was made here. */
  readonly made?: {
    readonly owner: string
    readonly properties: Readonly<Record<string, string>>
    readonly server: FakeServer
    /** Milliseconds since the epoch. */
    readonly at: number
    readonly readyAt: number
    /** What becomes of it: Glance says 'killed'; Nova removes it; it is queued for ever. */
    readonly failure: 'killed' | 'removed' | 'queued' | undefined
  }
}

export function imagesAt(images: readonly FakeImage[], now: number): FakeImage[] {
  return images.filter(({ made }) => made?.failure !== 'removed' || now < made.readyAt)
}

export function statusAt({ made, status }: FakeImage, now: number): string {
  if (!made) return status
  if (now >= made.readyAt) return made.failure ?? 'active'
  return now < (made.at + made.readyAt) / 2 ? 'queued' : 'saving'
}

export function imageJson(image: FakeImage, now: number) {
  const { id, made, name } = image
  return {
    id,
    name,
    status: statusAt(image, now),
    owner: made?.owner ?? 'somebody',
    visibility: made ? 'private' : 'public',
    ...made?.properties,
  }
}
