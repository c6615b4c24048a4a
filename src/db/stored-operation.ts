import type { Operation, ShellOperation } from '../protocol/operation.ts'

/**
 * An operation as it is stored: of a secret only the name, in a field of its own, so that no text can be taken for one. Another
 * value of the same secret makes no other operation.
 */
export type StoredOperation = Exclude<Operation, { op: 'shell' }> | StoredShell

export interface StoredShell extends ShellOperation {
  /** By variable: the name of the secret that it gets. None of them is in `env`. */
  readonly secretEnv?: Readonly<Record<string, string>>
  /** The name of the secret that is given as `stdin`. */
  readonly secretStdin?: string
}
