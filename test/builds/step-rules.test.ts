import { describe, expect, test } from 'vitest'
import { afterStep, atStart, skipReason, type Progress } from '../../src/builds/step-rules.ts'
import { Properties } from '../../src/model/properties.ts'
import type { Result } from '../../src/model/results.ts'
import { step, type StepFlags } from '../../src/steps/step.ts'

const withFlags = (flags: StepFlags) => step('x', async () => {}, flags)

/** Result of a build whose steps have these flags and end with these results; '-' is a step that was not run. */
function build(...steps: readonly [StepFlags, Result][]): string {
  let progress: Progress = atStart
  const ran = steps.map(([flags, result]) => {
    if (skipReason(withFlags(flags), progress, new Properties())) return '-'
    progress = afterStep(withFlags(flags), result, progress)
    return 'x'
  })
  return `${ran.join('')} ${progress.result}`
}

describe('the result of a build', () => {
  test.each<[string, string, readonly [StepFlags, Result][]]>([
    [
      'all good',
      'xx SUCCESS',
      [
        [{}, 'SUCCESS'],
        [{}, 'SUCCESS'],
      ],
    ],
    [
      'a failure halts by default',
      'x- FAILURE',
      [
        [{}, 'FAILURE'],
        [{}, 'SUCCESS'],
      ],
    ],
    [
      'haltOnFailure: false goes on',
      'xx FAILURE',
      [
        [{ haltOnFailure: false }, 'FAILURE'],
        [{}, 'SUCCESS'],
      ],
    ],
    [
      'flunkOnFailure: false does not fail the build',
      'xx SUCCESS',
      [
        [{ flunkOnFailure: false, haltOnFailure: false }, 'FAILURE'],
        [{}, 'SUCCESS'],
      ],
    ],
    [
      'alwaysRun runs after a halt and changes no failure into success',
      'x-x FAILURE',
      [
        [{}, 'FAILURE'],
        [{}, 'SUCCESS'],
        [{ alwaysRun: true }, 'SUCCESS'],
      ],
    ],
    [
      'warnings are carried over',
      'xx WARNINGS',
      [
        [{}, 'WARNINGS'],
        [{}, 'SUCCESS'],
      ],
    ],
    ['warnOnWarnings: false drops them', 'x SUCCESS', [[{ warnOnWarnings: false }, 'WARNINGS']]],
    [
      'an exception halts whatever the flags',
      'x- EXCEPTION',
      [
        [{ haltOnFailure: false }, 'EXCEPTION'],
        [{}, 'SUCCESS'],
      ],
    ],
    [
      'cancelled is worse than failed',
      'xx CANCELLED',
      [
        [{ haltOnFailure: false }, 'FAILURE'],
        [{}, 'CANCELLED'],
      ],
    ],
    [
      'doStepIf: false skips',
      '-x SUCCESS',
      [
        [{ doStepIf: false }, 'SUCCESS'],
        [{}, 'SUCCESS'],
      ],
    ],
    ['skipped steps count as nothing', 'x SUCCESS', [[{}, 'SKIPPED']]],
  ])('%s', (_, expected, steps) => {
    expect(build(...steps)).toBe(expected)
  })

  test('doStepIf sees the properties and the result so far', () => {
    const asked: unknown[] = []
    const flags: StepFlags = {
      doStepIf: (p, result) => asked.push([p.get('os'), result]) > 0,
    }
    const properties = new Properties([{ name: 'os', value: 'solaris', source: 'worker' }])
    expect(skipReason(withFlags(flags), { result: 'WARNINGS', halted: false }, properties)).toBeUndefined()
    expect(asked).toEqual([['solaris', 'WARNINGS']])
  })
})
