import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

/**
 * Ends the run with the skipped tests by reason, each failure with its message, the time, and the counts alone on a line.
 * Failures come last but for the counts: of a long output people and CI often keep only the end.
 */
export class SummaryReporter implements Reporter {
  #started = performance.now()
  #filtered = false

  onInit({ config }: Vitest): void {
    this.#filtered = config.testNamePattern !== undefined
  }

  onTestRunStart(): void {
    this.#started = performance.now()
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly Failure[],
    reason: TestRunEndReason,
  ): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const skipped = tests.filter((test) => test.result().state === 'skipped')
    const passed = tests.filter((test) => test.result().state === 'passed').length
    const failures = [
      ...tests.filter((test) => test.result().state === 'failed').map(failureOfTest),
      // A file that cannot be loaded and a failed beforeAll have no failed test, yet something failed.
      ...modules
        .flatMap((module) => [module, ...module.children.allSuites()])
        .filter((part) => part.errors().length > 0)
        .map((part) => described('moduleId' in part ? part.moduleId : part.fullName, part.errors())),
      ...unhandledErrors.map((error) => described('outside of a test', [error])),
      ...(reason === 'interrupted' ? ['the run was interrupted'] : []),
    ]
    // With `-t` all the others are skipped: the reason is known.
    for (const line of this.#filtered ? [] : byReason(skipped)) console.log(line)
    for (const failure of failures) console.log(`failed: ${failure}`)
    console.log(`\nTests took ${((performance.now() - this.#started) / 1000).toFixed(1)} s.`)
    console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`)
  }
}

type Failure = { message: string; stack?: string; diff?: string }

function failureOfTest(test: TestCase): string {
  return described(`${test.module.relativeModuleId} > ${test.fullName}`, test.result().errors ?? [])
}

function described(where: string, errors: readonly Failure[]): string {
  return [where, ...errors.map((error) => indented(textOf(error)))].join('\n')
}

function textOf({ message, stack, diff }: Failure): string {
  const own = (stack ?? message).split('\n').filter((line) => !line.includes('node_modules/vitest'))
  return [...own, ...(diff?.split('\n') ?? [])].join('\n')
}

/** Enough to see what happened; the whole of it is further up in the output. */
function indented(text: string): string {
  const lines = stripVTControlCharacters(text).slice(0, 2_000).split('\n').slice(0, 20)
  return lines.map((line) => `    ${line}`).join('\n')
}

function byReason(skipped: readonly TestCase[]): string[] {
  const reasons = Map.groupBy(skipped, (test) => skipReason(test.result()))
  return [...reasons].flatMap(([reason, tests]) => [
    `skipped, ${reason}:`,
    ...tests.map((test) => `  ${test.fullName}`),
  ])
}

function skipReason(result: object): string {
  return 'note' in result && typeof result.note === 'string' ? result.note : 'no reason given'
}
