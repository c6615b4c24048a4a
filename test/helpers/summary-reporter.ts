import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

/** Ends the run with each skipped test and its reason, the time, and the counts alone on a line, for people and for CI. */
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
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const skipped = tests.filter((test) => test.result().state === 'skipped')
    const passed = tests.filter((test) => test.result().state === 'passed').length
    // A file that cannot be loaded and a failed beforeAll have no failed test, yet something failed.
    const failed =
      tests.filter((test) => test.result().state === 'failed').length +
      modules
        .flatMap((module) => [module, ...module.children.allSuites()])
        .filter((s) => s.errors().length > 0).length +
      unhandledErrors.length +
      (reason === 'interrupted' ? 1 : 0)
    // With `-t` all the others are skipped: the reason is known.
    for (const test of this.#filtered ? [] : skipped)
      console.log(`skipped: ${test.fullName} (${skipReason(test.result())})`)
    console.log(`\nTests took ${((performance.now() - this.#started) / 1000).toFixed(1)} s.`)
    console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  }
}

function skipReason(result: object): string {
  return 'note' in result && typeof result.note === 'string' ? result.note : 'no reason given'
}
