import type { Random } from '../torture/random.ts'
import type { LatentWorld } from './latent-world.ts'

/** Kills a world's master now and then; the next one comes at once, or a while later. */
export class MasterKiller {
  readonly #world: LatentWorld
  readonly #random: Random
  /** Seconds that may pass without a master. */
  readonly #longest: number
  #next: number
  kills = 0

  constructor(world: LatentWorld, random: Random, { longest }: { longest: number }) {
    this.#world = world
    this.#random = random
    this.#longest = longest
    this.#next = world.clock.now() + random.between(20_000, 120_000)
  }

  async perhaps(): Promise<void> {
    const [world, random] = [this.#world, this.#random]
    if (world.clock.now() < this.#next) return
    this.kills++
    this.#next = world.clock.now() + random.between(20_000, 200_000)
    await world.kill()
    if (random.next() < 0.3) await world.pass(random.between(1, this.#longest), 5)
    await world.startMaster()
  }
}
