import { messageOf } from '../model/errors.ts'
import { BackendError } from './backend-error.ts'
import type { StartFailure } from './instance-event.ts'

/** What an error of a backend means. */
export function failureOf(error: unknown): StartFailure {
  const code = error instanceof BackendError ? error.code : 'PASSING'
  return { code, message: messageOf(error) }
}
