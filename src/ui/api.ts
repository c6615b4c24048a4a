import type { ApiError } from '../web/api.ts'

export interface List<T> {
  readonly items: T[]
  readonly next: string | null
}

/** An answer that is an error, with what the master says about it. */
export class AnswerError extends Error {
  readonly advice: string

  constructor({ message, advice }: Pick<ApiError, 'message' | 'advice'>) {
    super(message)
    this.advice = advice
  }
}

/** Throws AnswerError; a master that does not answer too. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, signal ? { signal } : {})
}

export async function post<T>(path: string, body: object = {}): Promise<T> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  return ask<T>(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(`./api/v1${path}`, init)
  } catch (error) {
    init.signal?.throwIfAborted()
    throw new AnswerError({ message: 'The master does not answer.', advice: String(error) })
  }
  if (response.ok) return (await response.json()) as T
  const answer = (await response.json().catch(() => undefined)) as ApiError | undefined
  throw new AnswerError(answer ?? { message: `${response.status} ${response.statusText}`, advice: '' })
}
