import { messageOf } from '../../model/errors.ts'
import { version } from '../../model/version.ts'
import { maskText } from '../../util/mask/mask-text.ts'
import { DeliveryError } from '../delivery-error.ts'
import { refusal, type AdviceByStatus, type Answer } from './refusal.ts'

export interface JsonPost {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

export interface PostOptions {
  readonly signal: AbortSignal
  /** Hidden in everything that an error says, whoever said it. */
  readonly secrets: readonly string[]
  readonly advice?: AdviceByStatus | undefined
  /** An answer that is no 2xx and yet means that nothing is left to be done. */
  readonly isDone?: ((answer: Answer) => boolean) | undefined
  /** Milliseconds until the answer must be there. Default 30,000. */
  readonly timeout?: number
}

/**
 * Resolves when the other side has taken it. Rejects with a DeliveryError that says whether another try may help, or with the signal's
 * reason. A redirect is followed only within the same origin, because the request holds credentials.
 */
export async function postJson(post: JsonPost, options: PostOptions): Promise<void> {
  const { secrets, signal } = options
  signal.throwIfAborted()
  const deadline = AbortSignal.timeout(options.timeout ?? defaultTimeout)
  try {
    await deliver(post, options, AbortSignal.any([signal, deadline]))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DeliveryError) throw masked(error, secrets)
    throw masked(deadline.aborted ? tooLate(post, options.timeout) : noAnswer(error, post), secrets)
  }
}

async function deliver(post: JsonPost, options: PostOptions, signal: AbortSignal): Promise<void> {
  let url = httpUrl(post.url)
  const headers = headersOf(post)
  for (let hop = 0; ; hop++) {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: post.body,
      signal,
    })
    if (response.ok) {
      // It has arrived, whatever else is said.
      await response.body?.cancel().catch(() => {})
      return
    }
    const next = redirectOf(response, url)
    if (next && hop < maxHops) {
      await response.body?.cancel().catch(() => {})
      url = next
      continue
    }
    const text = await textOf(response, options.secrets)
    const answer = { status: response.status, headers: response.headers, text }
    if (options.isDone?.(answer)) return
    if (answer.status < 400) throw moved(answer, url)
    throw refusal(answer, { advice: options.advice, host: url.host, now: Date.now() })
  }
}

/** Where to send the same once more: 307 and 308 keep method and body, the older ones need not. */
function redirectOf(response: Response, from: URL): URL | undefined {
  if (response.status !== 307 && response.status !== 308) return undefined
  const to = URL.parse(response.headers.get('location') ?? '', from.href)
  return to && to.origin === from.origin ? to : undefined
}

function moved({ headers, status }: Answer, from: URL): DeliveryError {
  const to = URL.parse(headers.get('location') ?? '', from.href)
  return new DeliveryError(`${from.host} answered ${status}${to ? ` and points to ${to.origin}` : ''}`, {
    worth: 'never',
    advice: 'What holds credentials is not sent on to another address. Put the new address into the config.',
  })
}

/** What could be read of the body. The status has said what matters, so that a body which breaks off changes nothing. */
async function textOf(response: Response, secrets: readonly string[]): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  let cut = false
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      parts.push(part.subarray(0, maxAnswer - bytes))
      bytes += part.length
      // Leaving the loop lets go of the connection.
      cut = bytes > maxAnswer
      if (cut) break
    }
  } catch {
    cut = true
  }
  // Before anything is cut out of it: a part of a secret would not be known.
  return maskText(Buffer.concat(parts).toString(), secrets, { cut })
}

function httpUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') {
    if (url.username === '' && url.password === '') return url
  }
  throw new DeliveryError('the address is not one that begins with http:// or https:// and names a host', {
    worth: 'never',
    advice: 'Check the address; if it is a secret, its value. A user and a password cannot be in it.',
  })
}

// Checked here because fetch would put a wrong value, which is a secret, into its message.
function headersOf({ headers = {} }: JsonPost): Headers {
  const all = new Headers({ 'content-type': 'application/json', 'user-agent': `rouse/${version}` })
  for (const [name, value] of Object.entries(headers)) {
    try {
      all.set(name, value)
    } catch {
      throw new DeliveryError(`the value of the header "${name}" has characters that no header can have`, {
        worth: 'never',
        advice: 'If it comes from a secret, look for line breaks and letters beyond ASCII in it.',
      })
    }
  }
  return all
}

function tooLate({ url }: JsonPost, timeout = defaultTimeout): DeliveryError {
  return new DeliveryError(`${hostOf(url)} did not answer within ${timeout / 1000} s`)
}

function noAnswer(error: unknown, { url }: JsonPost): DeliveryError {
  const inner = innermost(error)
  const code = (inner as { code?: unknown } | null)?.code
  const advice = typeof code === 'string' ? adviceByCode[code] : undefined
  return new DeliveryError(`no answer from ${hostOf(url)}: ${messageOf(inner)}`, advice ? { advice } : {})
}

// fetch wraps what happened in a TypeError, and several addresses of one name in an AggregateError.
function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error
}

/** Without its cause, which may hold what is hidden. */
function masked(error: DeliveryError, secrets: readonly string[]): DeliveryError {
  const { advice, message, retryAfter, worth } = error
  return new DeliveryError(maskText(message, secrets), {
    worth,
    ...(advice && { advice }),
    ...(retryAfter && { retryAfter }),
  })
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'the address'
}

const defaultTimeout = 30_000
const maxAnswer = 65_536
const maxHops = 3
const certificate =
  'If its certificate comes from an authority of your own, start the master with NODE_EXTRA_CA_CERTS=<file>.'
const adviceByCode: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  ENOTFOUND: 'Its name is not known. Check the address.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is for another host. Check the address.',
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
}
