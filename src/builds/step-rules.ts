import type { PropertyReader } from '../model/properties.ts'
import { type Result, worse } from '../model/results.ts'
import type { Step } from '../steps/step.ts'

/** How far a build has come, as its next step needs to know. */
export interface Progress {
  readonly result: Result
  readonly halted: boolean
}

export const atStart: Progress = { result: 'SUCCESS', halted: false }

/** Whether a step runs, or why it is skipped. */
export function skipReason(step: Step, progress: Progress, properties: PropertyReader): string | undefined {
  if (progress.halted && !step.alwaysRun) return 'an earlier step failed'
  const { doStepIf = true } = step
  const wanted: unknown = typeof doStepIf === 'function' ? doStepIf(properties, progress.result) : doStepIf
  if (wanted instanceof Promise) throw new TypeError('doStepIf returned a promise; it must answer at once')
  return wanted ? undefined : 'doStepIf said no'
}

/** The build's progress after a step that ended with this result: Buildbot's rules for haltOnFailure and flunkOnFailure. */
export function afterStep(step: Step, result: Result, progress: Progress): Progress {
  switch (result) {
    case 'SUCCESS':
    case 'SKIPPED':
      return progress
    case 'WARNINGS':
      return step.warnOnWarnings === false
        ? progress
        : { ...progress, result: worse(progress.result, 'WARNINGS') }
    case 'FAILURE':
      return {
        result: step.flunkOnFailure === false ? progress.result : worse(progress.result, 'FAILURE'),
        halted: progress.halted || step.haltOnFailure !== false,
      }
    case 'EXCEPTION':
    case 'RETRY':
    case 'CANCELLED':
      return { result: worse(progress.result, result), halted: true }
  }
}
