import type { Step, StepOutcome } from '../steps/step.ts'
import { addedBy } from './added-by.ts'
import type { ClaimedStep } from './store-claim.ts'
import type { StoredCalls } from './stored-calls.ts'

/** One step of a build's plan. */
export interface PlannedStep {
  readonly id: number
  /** Unknown while it is one that an earlier master saw added, and the step that added it has not been run again. */
  step: Step | undefined
  readonly ended?: StepOutcome
  readonly stored?: StoredCalls
}

/** The steps of one build, in their order. It grows while the build runs. */
export class StepPlan {
  readonly #steps: PlannedStep[]
  /** The last step that a step has added, by the id of the latter. */
  readonly #lastOf = new Map<number, number>()

  constructor(steps: readonly ClaimedStep[]) {
    this.#steps = steps.map(({ ended, id, step, stored }) => ({
      id,
      step,
      ...(ended && { ended }),
      ...(stored && { stored }),
    }))
    for (const { id, stored } of steps) {
      const added = stored ? addedBy(stored) : []
      const last = this.#steps.findLast((step) => added.includes(step.id))
      if (last) this.#lastOf.set(id, last.id)
    }
  }

  /** In their order, with those that are added while they are gone through. */
  [Symbol.iterator](): Iterator<PlannedStep> {
    return this.#steps.values()
  }

  /** As people count them, from 1. Changes when steps are added before it. */
  numberOf(id: number): number {
    return this.#indexOf(id) + 1
  }

  /** Puts new steps after the one that adds them, and after those that it has added before. */
  insert(adder: number, ids: readonly number[], steps: readonly Step[]): void {
    const last = this.#lastOf.get(adder) ?? adder
    this.#steps.splice(this.numberOf(last), 0, ...ids.map((id, i) => ({ id, step: steps[i]! })))
    this.#lastOf.set(adder, ids.at(-1) ?? last)
  }

  /** Tells what steps are that an earlier master saw added. */
  define(ids: readonly number[], steps: readonly Step[]): void {
    for (const [i, id] of ids.entries()) this.#steps[this.#indexOf(id)]!.step = steps[i]!
  }

  /** Whether it is known what these are. */
  knows(ids: readonly number[]): boolean {
    return ids.every((id) => this.#steps[this.#indexOf(id)]!.step !== undefined)
  }

  #indexOf(id: number): number {
    return this.#steps.findIndex((step) => step.id === id)
  }
}
