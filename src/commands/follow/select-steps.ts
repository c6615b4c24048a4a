import { RouseError } from '../../model/errors.ts'
import { closest } from '../../util/closest.ts'
import type { ApiStep } from '../../web/api.ts'

/**
 * The steps in their order, or only those that `wanted` names by number or name. None is an error once the build is
 * final; before that, the step may still come.
 */
export function selectSteps(
  steps: readonly ApiStep[],
  wanted: string | undefined,
  { build, final }: { build: number; final: boolean },
): ApiStep[] {
  const ordered = steps.toSorted((a, b) => a.number - b.number)
  if (wanted === undefined) return ordered
  const byNumber = /^\d+$/.test(wanted) ? ordered.filter((step) => step.number === Number(wanted)) : []
  const selected = byNumber.length > 0 ? byNumber : ordered.filter((step) => step.name === wanted)
  if (selected.length > 0 || !final) return selected
  const near = closest(
    wanted,
    ordered.map((step) => step.name),
  )
  const names = ordered.map((step) => `${step.number} ${step.name}`).join(', ')
  throw new RouseError('ROUSE_STEP_UNKNOWN', `build ${build} has no step "${wanted}"`, {
    advice: near ? `Did you mean "${near}"?` : `Its steps are: ${names || 'none yet'}.`,
  })
}
