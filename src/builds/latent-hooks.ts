import type { Worker } from '../fleet/worker.ts'
import type { Result } from '../model/results.ts'

/** What the distribution of requests asks and tells the engine of latent workers. */
export interface LatentHooks {
  /** Whether the request's template is the one that the instance was made from. */
  fits(request: number, instance: Worker): boolean
  /** What is done so that a waiting request gets an instance, in a few words. */
  reason(request: number): string | undefined
  /** A build was claimed and stored. */
  began(instance: Worker): void
  /** A build has ended, is stored, and has given its place back. */
  ended(instance: Worker, result: Result | undefined): void
  /** Takes over the instances of masters that are gone. */
  takeOver(): Promise<void>
  /** Requests came, went or found their places. */
  distributed(): void
}

export const noLatentWorkers: LatentHooks = {
  fits: () => true,
  reason: () => undefined,
  began: () => {},
  ended: () => {},
  takeOver: async () => {},
  distributed: () => {},
}
