import type { Clock } from '../../src/util/clock.ts'
import { withDeadline } from '../../src/util/with-deadline.ts'
import type { Account } from './account.ts'
import { fetchJson } from './fetch-json.ts'
import { OpenStackError, refusalOf, unreachable } from './openstack-error.ts'
import { untilAborted } from './until-aborted.ts'

/** What Keystone gave: a token and where the services are. */
export interface Session {
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly renewAt: number
  readonly expiresAt: number
  readonly catalog: readonly CatalogEntry[]
  readonly projectId: string
}

export interface CatalogEntry {
  readonly type: string
  readonly endpoints?: readonly {
    readonly interface?: string
    readonly region?: string
    readonly region_id?: string
    readonly url?: string
  }[]
}

/** Keeps a token that is valid: a new one before it expires, and at once when a service no longer takes it. */
export class Identity {
  readonly #account: Account
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #session: Session | undefined
  #renewing: Promise<Session> | undefined
  #refused: { readonly until: number; readonly error: Error } | undefined

  constructor(account: Account, clock: Clock) {
    this.#account = account
    this.#clock = clock
  }

  async session(signal: AbortSignal): Promise<Session> {
    const session = this.#session
    const now = this.#clock.now()
    if (session && now < session.renewAt) return session
    // A wrong password that is sent again and again locks the account at many clouds.
    if (this.#refused && now < this.#refused.until) throw this.#refused.error
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    try {
      return await untilAborted(this.#renewing, signal)
    } catch (error) {
      if (session && !signal.aborted && this.#session === session && now < session.expiresAt) return session
      throw error
    }
  }

  /** A service has refused this token. */
  forget({ token }: Session): void {
    if (this.#session?.token === token) this.#session = undefined
  }

  close(): void {
    this.#closing.abort(new Error('the backend is closed'))
  }

  async #renew(): Promise<Session> {
    const { authUrl, request } = this.#account
    const asked = this.#clock.now()
    const answer = await withDeadline(
      (signal) => fetchJson(`${authUrl}/auth/tokens`, { method: 'POST', body: request, signal }),
      { clock: this.#clock, ms: deadline, signal: this.#closing.signal },
    ).catch((error: unknown) => {
      throw unreachable(error, 'login', authUrl)
    })
    const token = answer.headers.get('x-subject-token')
    if (answer.status !== 201 || !token) {
      const refusal = refusalOf(answer, `login at ${authUrl}`)
      const error =
        answer.status === 401
          ? new OpenStackError(401, `${refusal.message}. Keystone does not take the master's credentials`)
          : refusal
      if (answer.status === 401) this.#refused = { until: this.#clock.now() + refusedMs, error }
      throw error
    }
    this.#refused = undefined
    const body = (Object(answer.body) as { token?: TokenBody }).token ?? {}
    // Its life by Keystone's clock, from now by ours.
    const life = Date.parse(body.expires_at ?? '') - Date.parse(body.issued_at ?? '')
    const ms = Number.isFinite(life) && life > 0 ? life : assumedLife
    this.#session = {
      token,
      renewAt: asked + ms - Math.min(earliest, ms / 4),
      expiresAt: asked + ms,
      catalog: body.catalog ?? [],
      projectId: body.project?.id ?? '',
    }
    return this.#session
  }
}

interface TokenBody {
  readonly issued_at?: string
  readonly expires_at?: string
  readonly catalog?: readonly CatalogEntry[]
  readonly project?: { readonly id?: string }
}

/** Milliseconds. */
const deadline = 30_000
const refusedMs = 30_000
const earliest = 300_000
const assumedLife = 600_000
