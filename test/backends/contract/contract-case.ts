import type { ContractContext } from './contract-context.ts'
import type { ContractSubject } from './contract-subject.ts'

/** One thing that every backend must hold. */
export interface ContractCase {
  readonly sentence: string
  /** What the subject must be able to provoke. */
  readonly needs?: keyof ContractSubject<unknown>
  expectToHold(context: ContractContext<unknown>): Promise<void>
}
