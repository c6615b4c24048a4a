import { RouseError } from '../../model/errors.ts'
import { RemoteError } from '../client/remote-error.ts'
import { Interrupted } from '../follow/interrupt.ts'

/** 64 usage, 69 master not reachable, 77 not allowed, 130 Ctrl-C, 1 anything else. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof RemoteError) {
    if (error.status === 401 || error.status === 403) return 77
    return error.code === 'ROUSE_NOT_A_MASTER' || [502, 503, 504].includes(error.status) ? 69 : 1
  }
  return error instanceof RouseError ? (codes[error.code] ?? 1) : 1
}

const codes: Partial<Record<RouseError['code'], number>> = {
  ROUSE_DURATION_INVALID: 64,
  ROUSE_MASTER_UNREACHABLE: 69,
  ROUSE_NOT_ALLOWED: 77,
  ROUSE_NOT_A_MASTER: 69,
  ROUSE_USAGE: 64,
}
