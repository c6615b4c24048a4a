import { BackendError } from '../../src/latent/backend-error.ts'

/** What a Docker Engine answered that is no success. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** Of its HTTP answer. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** A failed call in words: CAPACITY where the engine has run out of something, EngineError for its other answers. */
export function explainFailure(error: unknown, what: string, host: string): Error {
  if (error instanceof BackendError || error instanceof EngineError) return error
  const { code, json, message, statusCode } = error as Partial<ModemError>
  if (statusCode === undefined) {
    const reason = connectionFailures[code ?? ''] ?? message ?? String(error)
    return new Error(`the Docker Engine at ${host} cannot be reached: ${reason}`, { cause: error })
  }
  const answer = answerOf(json) ?? message ?? `HTTP ${statusCode}`
  if (isCapacity(answer)) return new BackendError('CAPACITY', `${what}: ${answer}`, { cause: error })
  return new EngineError(statusCode, `${what}: ${answer}`, { cause: error })
}

/** Whether an engine says by this that it has run out of something, or a registry that it was asked too often. */
export function isCapacity(answer: string): boolean {
  return capacity.test(answer)
}

export function isNotFound(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404
}

export function isConflict(error: unknown): boolean {
  return error instanceof EngineError && error.status === 409
}

function answerOf(json: unknown): string | undefined {
  if (Buffer.isBuffer(json)) return json.toString().trim() || undefined
  if (typeof json !== 'object' || json === null || !('message' in json)) return undefined
  return String(json.message).trim()
}

interface ModemError extends Error {
  readonly code?: string
  readonly statusCode?: number
  readonly json?: unknown
}

const connectionFailures: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket. Is Docker installed and running?',
  ECONNREFUSED: 'nothing listens there. Is Docker running?',
  EACCES: 'permission denied. The user of the master must be in the group of the socket (docker).',
  ENOTFOUND: 'its name is not known.',
  EAI_AGAIN: 'its name cannot be looked up now.',
  ETIMEDOUT: 'it does not answer.',
  EHOSTUNREACH: 'there is no way to it.',
}

const capacity =
  /no space left on device|disk quota exceeded|cannot allocate memory|out of memory|too many open files|resource temporarily unavailable|non-overlapping IPv4 address pool|no available IPv4 addresses|toomanyrequests|too many requests|rate limit/i
