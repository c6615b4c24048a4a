import { BackendError } from '../../src/latent/backend-error.ts'
import type { HttpAnswer } from './fetch-json.ts'

/** What a service answered that is no success. */
export class OpenStackError extends Error {
  override readonly name = 'OpenStackError'
  /** Of HTTP. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** An answer that is no success, in the service's own words, with the id by which the cloud's operator finds it. */
export function refusalOf({ body, headers, status, text }: HttpAnswer, operation: string): OpenStackError {
  const said =
    messageIn(body) ??
    (text
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim() ||
      'no reason given')
  const request = headers.get('x-openstack-request-id') ?? headers.get('x-compute-request-id')
  const advice =
    status === 403 && !isQuota(said) ? ". The master's account lacks the right; see docs/openstack.md" : ''
  return new OpenStackError(
    status,
    `${operation}: ${said.slice(0, longest)}${advice} (${status}${request ? `, request ${request}` : ''})`,
  )
}

/** There was no answer. */
export function unreachable(error: unknown, operation: string, where: string): Error {
  const { cause, message } = error as Error
  const { code = '', message: inner } = Object(cause) as { code?: string; message?: string }
  const reason = connectionFailures[code] ?? (inner || code || message)
  return new Error(`${operation}: ${where} cannot be reached: ${reason}`, { cause: error })
}

export function hasStatus(error: unknown, ...statuses: number[]): error is OpenStackError {
  return error instanceof OpenStackError && statuses.includes(error.status)
}

/** Whose fault a server's refusal was, where that is known. */
export function verdict(error: unknown): unknown {
  if (!(error instanceof OpenStackError)) return error
  const { message, status } = error
  if (noRoom.test(message) || (status === 403 && isQuota(message)))
    return new BackendError('CAPACITY', message, { cause: error })
  const wrong =
    status === 400 || status === 403 || (status === 409 && /multiple possible networks/i.test(message))
  return wrong ? new BackendError('REJECTED', message, { cause: error }) : error
}

/** Nova could place the server nowhere. */
export const noRoom =
  /No valid host|not enough hosts|Insufficient compute resources|Exceeded max scheduling attempts/i

// Nova, Keystone, Neutron, Glance and Cinder each wrap it in their own way.
function messageIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  for (const value of [body, ...(Object.values(body) as unknown[])]) {
    const { message } = Object(value) as { message?: unknown }
    if (typeof message === 'string' && message !== '') return message
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

function isQuota(message: string): boolean {
  return /quota|maximum number|limit (has been )?(exceeded|reached)/i.test(message)
}

const longest = 1000
const connectionFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_SOCKET: 'the connection broke',
  EHOSTUNREACH: 'there is no way to it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not known; start the master with NODE_EXTRA_CA_CERTS=FILE',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not known; start the master with NODE_EXTRA_CA_CERTS=FILE',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is not known; start the master with NODE_EXTRA_CA_CERTS=FILE',
}
