import type { StoredCalls } from './stored-calls.ts'

/** What is stored of a step's call that added steps. */
export interface AddedSteps {
  /** Their ids, in their order. */
  readonly steps: readonly number[]
}

export const addedKind = 'addSteps'

/** Ids of the steps that a step has added, by what is stored of it. */
export function addedBy({ effects }: Pick<StoredCalls, 'effects'>): readonly number[] {
  return effects.flatMap(({ kind, result }) => (kind === addedKind ? (result as AddedSteps).steps : []))
}
