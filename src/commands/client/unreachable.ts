import { messageOf, RouseError } from '../../model/errors.ts'
import type { MasterAddress } from './find-master.ts'
import { RemoteError } from './remote-error.ts'

/** The error for a request that got no answer; an error that is an answer is given back as it is. */
export function unreachable({ url, from }: MasterAddress, error: unknown, deadline: number): Error {
  if (error instanceof RouseError || error instanceof RemoteError) return error
  const cause = innermost(error)
  const message = `no master answers at ${url} (${from}): ${why(cause, deadline)}`
  return new RouseError('ROUSE_MASTER_UNREACHABLE', message, { cause })
}

function why(error: unknown, deadline: number): string {
  const { name, code } = error as { name?: string; code?: string }
  if (name === 'TimeoutError' || messageOf(error) === 'no answer')
    return `no answer within ${deadline / 1000} s`
  return (code && reasons[code]) || code || messageOf(error)
}

// fetch wraps what happened in a TypeError, and several addresses of one name in an AggregateError.
function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  const cause = error instanceof Error ? error.cause : undefined
  return cause === undefined ? error : innermost(cause)
}

const reasons: Record<string, string> = {
  EAI_AGAIN: 'its name cannot be looked up',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection cut',
  ENOTFOUND: 'there is no such host',
  UND_ERR_SOCKET: 'connection cut',
}
