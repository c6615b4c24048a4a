import { createHash } from 'node:crypto'
import { seconds } from '../model/durations.ts'
import { messageOf } from '../model/errors.ts'
import { isSecret } from '../model/secret.ts'
import type { HttpAnswer, HttpRequest } from '../steps/step.ts'
import { deadlineSignal } from '../util/deadline-signal.ts'
import type { Revealed } from './step-secrets.ts'

/**
 * One HTTP request of a step; `key` is the same whenever it is asked again; without `follow` a redirect is
 * the answer. Never throws but for the signal: what goes
 * wrong is in the answer. Of the body the first MiB is kept.
 */
export async function sendHttpRequest(
  { body, headers = {}, method = 'GET', timeout = 30, url }: Revealed<HttpRequest>,
  { follow, key, signal }: { follow: boolean; key: string; signal: AbortSignal },
): Promise<HttpAnswer> {
  using deadline = deadlineSignal(Math.max(1, seconds(timeout) * 1000))
  try {
    const response = await fetch(httpUrl(url), {
      method,
      redirect: follow ? 'follow' : 'manual',
      headers: { 'idempotency-key': key, ...headers },
      signal: AbortSignal.any([signal, deadline.signal]),
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      ...(await textOf(response)),
    }
  } catch (error) {
    signal.throwIfAborted()
    const why = deadline.signal.aborted ? `no whole answer within ${seconds(timeout)} s` : innermost(error)
    return { status: null, headers: {}, body: '', cut: false, error: why }
  }
}

/** Tells one request from another without saying what is in it. Of a secret the name counts, not the value. */
export function digestOf(request: object): string {
  const sorted = Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify(named(sorted)))
    .digest('hex')
}

// An object where only a text can be, so that no text is taken for a secret.
function named(value: unknown): unknown {
  if (isSecret(value)) return { secret: value.name }
  if (Array.isArray(value)) return value.map(named)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(inner)]))
}

function httpUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Error('the URL must begin with http:// or https://')
  return url
}

async function textOf(response: Response): Promise<{ body: string; cut: boolean }> {
  const parts: Uint8Array[] = []
  let bytes = 0
  let cut = false
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    cut = bytes + part.length > maxBody
    parts.push(part.subarray(0, maxBody - bytes))
    bytes += part.length
    // Leaving the loop lets go of the connection.
    if (cut) break
  }
  return { body: Buffer.concat(parts).toString().replaceAll('\0', '\ufffd'), cut }
}

// fetch wraps what happened in a TypeError, and several addresses of one name in an AggregateError.
function innermost(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : messageOf(error)
}

const maxBody = 1_048_576
