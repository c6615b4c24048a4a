import type { FakeMachine } from './fake-machine.ts'

export interface FakeImage {
  readonly id: string
  readonly name: string
  readonly owner: string
  readonly architecture: string
  readonly created: string
  /** Of one that was made here. */
  readonly made?: {
    readonly tags: Readonly<Record<string, string>>
    readonly machine: FakeMachine
    readonly snapshot: string
    readonly at: number
    readonly readyAt: number
    readonly failure: string | undefined
    /** Devices that it leaves out. */
    readonly without: readonly string[]
    goneAt: number
  }
}

export interface FakeSnapshot {
  readonly id: string
  readonly tags: Readonly<Record<string, string>>
  readonly at: number
}

export function imagesAt(images: readonly FakeImage[], now: number): FakeImage[] {
  return images.filter(({ made }) => !made || (made.at <= now && now < made.goneAt))
}

export function stateAt({ made }: FakeImage, now: number): string {
  if (!made || now < made.readyAt) return made ? 'pending' : 'available'
  return made.failure === undefined ? 'available' : 'failed'
}
