import { RouseError } from '../../model/errors.ts'
import { RemoteError } from './remote-error.ts'

/** Whether the same request may well succeed later: the master is away, starting, stopping, overloaded or ill. */
export function isOutage(error: unknown): boolean {
  if (error instanceof RemoteError) return error.status >= 500 || error.status === 429
  return error instanceof RouseError && error.code === 'ROUSE_MASTER_UNREACHABLE'
}

/** An outage that may be a bug instead, and is not waited out for ever. */
export function mayBePermanent(error: unknown): boolean {
  return error instanceof RemoteError && error.status === 500
}
