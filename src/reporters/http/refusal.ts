import { DeliveryError } from '../delivery-error.ts'
import { oneLine } from '../plain-text.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** At most 64 KiB of it. */
  readonly text: string
}

/** By status: what a person can do about it. */
export type AdviceByStatus = Readonly<Partial<Record<number, string>>>

/** Why an answer other than 2xx means that the message did not arrive, and whether another try may help. */
export function refusal(
  answer: Answer,
  { advice = {}, host, now }: { advice?: AdviceByStatus | undefined; host: string; now: number },
): DeliveryError {
  const { status } = answer
  const said = explanation(answer.text)
  const message = `${host} answered ${status}${said && `: ${said}`}`
  if (isRateLimit(answer)) {
    const retryAfter = waitOf(answer, now)
    return new DeliveryError(message, { advice: slowDown, ...(retryAfter && { retryAfter }) })
  }
  const own = advice[status] ?? commonAdvice[status]
  if (status < 500 && !passing.has(status)) {
    return new DeliveryError(message, { worth: 'never', ...(own && { advice: own }) })
  }
  const retryAfter = waitOf(answer, now)
  return new DeliveryError(message, { ...(own && { advice: own }), ...(retryAfter && { retryAfter }) })
}

function isRateLimit({ headers, status }: Answer): boolean {
  if (status === 429) return true
  // GitHub refuses those who ask too often as if they had no permission.
  return status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0')
}

/** Seconds, at most an hour: a clock that is wrong there must not keep a message here for ever. */
function waitOf(answer: Answer, now: number): number | undefined {
  const seconds = askedWait(answer, now)
  return seconds === undefined ? undefined : Math.min(hour, Math.max(1, Math.ceil(seconds)))
}

function askedWait({ headers, status }: Answer, now: number): number | undefined {
  const after = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(after)) return Number(after)
  // Only a date as HTTP writes it: Date.parse takes much for one.
  const at = /^[A-Z][a-z]{2,8},? /.test(after) ? Date.parse(after) : NaN
  if (!Number.isNaN(at)) return (at - now) / 1000
  if (status !== 429 && status !== 403) return undefined
  const reset = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset') ?? ''
  if (!/^\d+$/.test(reset)) return undefined
  // Some count from now, some from 1970.
  return Number(reset) > 1_000_000_000 ? Number(reset) - now / 1000 : Number(reset)
}

/** What the body says in words: the hosts have a few places for it. */
function explanation(body: string): string {
  const text = body.trim()
  if (text.startsWith('<')) return ''
  return oneLine(fromJson(text) ?? text, 200)
}

function fromJson(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return messageIn(value)
}

function messageIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || depth > 3) return undefined
  const { error, error_description, errors, message } = value as Record<string, unknown>
  for (const inner of [message, error_description, error, Array.isArray(errors) ? errors[0] : undefined]) {
    const found = messageIn(inner, depth + 1)
    if (found) return found
  }
  return message === undefined ? undefined : JSON.stringify(message)
}

const hour = 3600
/** Of 4xx: what another try may change. */
const passing = new Set([408, 409, 423, 425])
const slowDown = 'It wants to be asked less often. Nothing is to be done: it is tried again.'
const commonAdvice: AdviceByStatus = {
  401: 'It does not accept the login. Check the secret.',
  403: 'It does not permit this. Check what the secret gives access to.',
  404: 'There is nothing at this address. Check it.',
  407: 'A proxy in between wants a login.',
  410: 'What was at this address is gone. Take it out of the config.',
  413: 'The message is too large for it.',
}
