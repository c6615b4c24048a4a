import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { ContractContext } from './contract-context.ts'
import type { ContractSubject } from './contract-subject.ts'
import { faultCases } from './fault-cases.ts'
import { imageCases } from './image-cases.ts'
import { lifeCases } from './life-cases.ts'
import { parkCases } from './park-cases.ts'
import { resetCases } from './reset-cases.ts'

/** What every backend must hold. `setUp` makes the provider ready; a text says why this machine has none, and skips all. */
export function contract<T>(name: string, setUp: () => Promise<ContractSubject<T> | string>): void {
  describe(`a ${name} backend`, () => {
    let missing: string | undefined
    let context: ContractContext<T> | undefined

    beforeAll(async () => {
      const subject = await setUp()
      if (typeof subject === 'string') missing = subject
      else context = await ContractContext.open(subject)
    }, setUpMs)
    afterEach(() => context?.stopAll())
    afterAll(() => context?.close(), setUpMs)

    const cases = [...lifeCases, ...resetCases, ...parkCases, ...imageCases, ...faultCases].map(
      (one) => [one.sentence, one] as const,
    )
    test.for(cases)('%s', async ([, { expectToHold, needs }], { skip }) => {
      if (!context) return skip(missing)
      if (needs !== undefined && context.subject[needs] === undefined)
        return skip(`${needs}: not to be had here`)
      await expectToHold(context)
    })
  })
}

const setUpMs = 180_000
