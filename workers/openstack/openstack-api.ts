import type { BackendContext } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { backoff } from '../../src/util/backoff.ts'
import { CallRate, type Urgency } from '../../src/util/call-rate.ts'
import type { Clock } from '../../src/util/clock.ts'
import { withDeadline } from '../../src/util/with-deadline.ts'
import { readAccount, type Account } from './account.ts'
import { rootOf } from './catalogue.ts'
import type { ConnectionOptions, Service } from './connection-options.ts'
import { fetchJson, type HttpAnswer, type HttpRequest } from './fetch-json.ts'
import { Identity, type Session } from './identity.ts'
import { negotiated } from './microversion.ts'
import { hasStatus, type OpenStackError, refusalOf, unreachable } from './openstack-error.ts'

export interface Call {
  readonly service: Service
  readonly method: HttpRequest['method']
  /** '/servers/detail?limit=1000' */
  readonly path: string
  readonly body?: unknown
  readonly urgency: Urgency
  readonly signal: AbortSignal
  /** Once it is sent, it is waited for although `signal` is aborted. */
  readonly lasting?: boolean
  /** Its turn has come. */
  readonly sent?: () => void
}

/** One project of one cloud. Each call waits for its turn, has a deadline, and comes again with a new token or when it was throttled. */
export class OpenStackApi {
  readonly #account: Account
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #identity: Identity
  readonly #rate: CallRate
  /** By Nova's root. */
  readonly #microversions = new Map<string, number>()

  /** Reads files and secrets; contacts nobody. */
  static async open(
    options: ConnectionOptions,
    context: Pick<BackendContext, 'configDir' | 'readSecret'>,
    clock: Clock,
  ): Promise<OpenStackApi> {
    return new OpenStackApi(await readAccount(options, context), options, clock)
  }

  private constructor(
    account: Account,
    { maxCallsPerSecond = callsPerSecond }: ConnectionOptions,
    clock: Clock,
  ) {
    this.#account = account
    this.#clock = clock
    this.#identity = new Identity(account, clock)
    this.#rate = new CallRate({ clock, perSecond: maxCallsPerSecond })
  }

  /** Throws OpenStackError for an answer that is no success, BackendError CAPACITY when it was throttled to the end, else Error. */
  async call<T>(call: Call): Promise<T> {
    const { method, path, signal } = call
    const operation = `${method} ${path.replace(/\?.*/, '')}`
    let throttled: OpenStackError | undefined
    let renewed = false
    try {
      for (let attempt = 0; ;) {
        await this.#rate.take(call.urgency, signal)
        call.sent?.()
        const session = await this.#identity.session(signal)
        const answer = await this.#send(call, session, operation)
        if (answer.status < 300) {
          this.#rate.speedUp()
          return answer.body as T
        }
        const refusal = refusalOf(answer, operation)
        if (answer.status === 401 && !renewed) {
          renewed = true
          this.#identity.forget(session)
          continue
        }
        if (!isThrottled(answer)) throw refusal
        throttled = refusal
        this.#rate.slowDown()
        const pause = Math.max(backoff(attempt++, throttlePause), retryAfter(answer))
        await this.#clock.sleep(pause, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
      if (throttled) throw new BackendError('CAPACITY', throttled.message, { cause: throttled })
      throw new Error(`${operation}: given up before the cloud had answered`, { cause: signal.reason })
    }
  }

  /** Whether the cloud has such a service. */
  async has(service: Service, signal: AbortSignal): Promise<boolean> {
    return rootOf(service, await this.#identity.session(signal), this.#account) !== undefined
  }

  /** Whose servers and images are ours. */
  async projectId(signal: AbortSignal): Promise<string> {
    return (await this.#identity.session(signal)).projectId
  }

  /** What Nova and Rouse both speak: 67 means 2.67. */
  async microversion(signal: AbortSignal): Promise<number> {
    return await this.#microversion(await this.#identity.session(signal), signal)
  }
  close(): void {
    this.#closing.abort(new Error('the backend is closed'))
    this.#identity.close()
  }

  async #microversion(session: Session, signal: AbortSignal): Promise<number> {
    const root = this.#root('compute', session)
    const known = this.#microversions.get(root)
    if (known !== undefined) return known
    // Without the project's id that old catalogues have at the end.
    const url = `${root.replace(/(\/v2(\.1)?)\/[^/]+$/, '$1')}/`
    const answer = await this.#fetch(url, { method: 'GET', signal }, `GET ${url}`)
    // Some clouds hide the document: what every Nova understands is enough then.
    if (answer.status >= 500) throw refusalOf(answer, `GET ${url}`)
    const found = answer.status < 400 ? negotiated(answer.body) : 1
    this.#microversions.set(root, found)
    return found
  }

  async #send(call: Call, session: Session, operation: string): Promise<HttpAnswer> {
    const { body, lasting = false, method, path, service, signal } = call
    const root = this.#root(service, session)
    const minor = service === 'compute' ? await this.#microversion(session, signal) : 1
    const headers = {
      'x-auth-token': session.token,
      ...(minor > 1 && {
        'openstack-api-version': `compute 2.${minor}`,
        'x-openstack-nova-api-version': `2.${minor}`,
      }),
    }
    signal.throwIfAborted()
    const ends = lasting ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    return await this.#fetch(`${root}${path}`, { method, headers, body, signal: ends }, operation)
  }

  #fetch(url: string, request: HttpRequest, operation: string): Promise<HttpAnswer> {
    return withDeadline((signal) => fetchJson(url, { ...request, signal }), {
      clock: this.#clock,
      ms: deadline,
      signal: request.signal,
    }).catch((error: unknown) => {
      throw unreachable(error, operation, new URL(url).origin)
    })
  }

  #root(service: Service, session: Session): string {
    const root = rootOf(service, session, this.#account)
    if (root === undefined) throw new Error(`the cloud's catalogue has no ${service} service`)
    return root
  }
}

/** Undefined when it is not there. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (hasStatus(error, 404)) return undefined
    throw error
  })
}

// 413 is what Nova's own limits and older services say.
function isThrottled({ headers, status }: HttpAnswer): boolean {
  return status === 429 || (status === 413 && headers.has('retry-after'))
}

/** Milliseconds. */
function retryAfter({ headers }: HttpAnswer): number {
  const text = headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestPause) : 0
}

/** Nova takes no list of servers to delete: 500 that become idle at once are to end within half a minute. */
const callsPerSecond = 20
/** Milliseconds of one try. */
const deadline = 60_000
const longestPause = 60_000
const throttlePause = { initial: 500, max: 20_000 }
