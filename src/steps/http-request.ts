import type { Duration } from '../model/durations.ts'
import { render, type Renderable } from '../model/properties.ts'
import type { Secret } from '../model/secret.ts'
import { confidentialMistakes, durationMistakes, flagsOf, textMistakes, unknownOptions } from './options.ts'
import { secretsOf } from './secrets-of.ts'
import type { HttpAnswer, HttpRequest, Step, StepFlags, StepOutcome } from './step.ts'

export interface HttpRequestOptions extends StepFlags {
  /** Default: the method and the URL, without what follows a '?'. */
  readonly name?: string
  /** Default 'GET'. */
  readonly method?: string
  readonly headers?: Renderable<Readonly<Record<string, Renderable<string | Secret>>>>
  /** Text of the request. */
  readonly body?: Renderable<string | Secret>
  /** The same as JSON, with its content-type. */
  readonly json?: unknown
  /** Until the whole answer must be there. Default 30 s. */
  readonly timeout?: Duration
  /** What an answer means. Default: 200 to 299 is SUCCESS, everything else FAILURE. */
  readonly decode?: (answer: HttpAnswer) => StepOutcome
}

/** Sends a request from the master. Asked again after a restart it carries the same Idempotency-Key. */
export function httpRequest(url: Renderable<string>, options: HttpRequestOptions = {}): Step {
  const { body, decode = byStatus, headers, json, method = 'GET', name, timeout } = options
  return Object.freeze<Step>({
    kind: 'step',
    type: 'httpRequest',
    name: name ?? nameOf(method, url),
    ...flagsOf(options),
    secrets: secretsOf({ headers, body }),
    mistakes: [
      ...(url ? textMistakes({ url }) : ['url is missing']),
      ...confidentialMistakes({ body }),
      ...headerMistakes(headers),
      ...(secretsOf(json).length === 0 ? [] : [secretInJson]),
      ...(/^[A-Za-z]{1,20}$/.test(method) ? [] : [`method: not a method: ${JSON.stringify(method)}`]),
      ...(body !== undefined && json !== undefined ? ['body and json cannot both be there'] : []),
      ...durationMistakes({ timeout }),
      ...unknownOptions(options, optionNames),
    ],
    run: async (context) => {
      const own = { url, body, headers, json, method, timeout }
      const rendered = render<unknown>(own, context.properties) as HttpRequest & { json?: unknown }
      const answer = await context.httpRequest(asJson(rendered))
      await context.note(`${method} ${shown(rendered.url)}: ${answer.error ?? answer.status}`)
      if (answer.body !== '') await context.note(answer.body)
      return decode(answer)
    },
  })
}

function byStatus({ error, status }: HttpAnswer): StepOutcome {
  if (status === null) return { result: 'FAILURE', summary: error ?? 'no answer' }
  const result = status >= 200 && status < 300 ? 'SUCCESS' : 'FAILURE'
  return { result, summary: `status ${status}` }
}

function asJson({ json, ...request }: HttpRequest & { json?: unknown }): HttpRequest {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
  if (json === undefined) return given as unknown as HttpRequest
  if (secretsOf(json).length > 0) throw new TypeError(secretInJson)
  const headers = { 'content-type': 'application/json', ...request.headers }
  return { ...(given as unknown as HttpRequest), headers, body: JSON.stringify(json) }
}

function headerMistakes(headers: HttpRequestOptions['headers']): string[] {
  if (headers === undefined || typeof headers === 'function') return []
  if (typeof headers !== 'object' || headers === null) return ['headers: must be an object']
  const named = Object.entries(headers).map(([name, value]) => [`headers.${name}`, value])
  return confidentialMistakes(Object.fromEntries(named) as Record<string, unknown>)
}

function nameOf(method: string, url: Renderable<string>): string {
  return `${method} ${typeof url === 'string' ? shown(url) : ''}`.trim().slice(0, 60)
}

// A query and what stands before an '@' may hold a secret.
function shown(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//')
}

const secretInJson = 'json: a secret cannot be a part of it; make the whole body one secret'
const optionNames = ['name', 'method', 'headers', 'body', 'json', 'timeout', 'decode']
