import type { Clock } from '../../src/util/clock.ts'
import { withDeadline } from '../../src/util/with-deadline.ts'
import type { Account } from './account.ts'
import { fetchJson } from './fetch-json.ts'
import { hasStatus, OpenStackError, refusalOf, unreachable } from './openstack-error.ts'
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
  /** The last login has, and the next one waits until then. */
  #failed: { readonly until: number; readonly error: unknown } | undefined

  constructor(account: Account, clock: Clock) {
    this.#account = account
    this.#clock = clock
  }

  async session(signal: AbortSignal): Promise<Session> {
    const session = this.#session
    const now = this.#clock.now()
    if (session && now < session.renewAt) return session
    const valid = session && now < session.expiresAt
    if (this.#failed && now < this.#failed.until) {
      if (valid) return session
      if (hasStatus(this.#failed.error, 401)) throw this.#failed.error
    }
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    try {
      return await untilAborted(this.#renewing, signal)
    } catch (error) {
      if (valid && !signal.aborted && this.#session === session) return session
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
    const asked = this.#clock.now()
    try {
      this.#session = await this.#login(asked)
      this.#failed = undefined
      return this.#session
    } catch (error) {
      // Many clouds lock an account when a wrong password is sent again and again.
      this.#failed = { until: this.#clock.now() + pause, error }
      throw error
    }
  }

  async #login(asked: number): Promise<Session> {
    const { authUrl, request } = this.#account
    const answer = await withDeadline(
      (signal) => fetchJson(`${authUrl}/auth/tokens`, { method: 'POST', body: request, signal }),
      { clock: this.#clock, ms: deadline, signal: this.#closing.signal },
    ).catch((error: unknown) => {
      throw unreachable(error, 'login', authUrl)
    })
    const token = answer.headers.get('x-subject-token')
    if (answer.status !== 201 || !token) {
      const refusal = refusalOf(answer, `login at ${authUrl}`)
      if (answer.status !== 401) throw refusal
      throw new OpenStackError(401, `${refusal.message}. Keystone does not take the master's credentials`)
    }
    const body = (Object(answer.body) as { token?: TokenBody }).token ?? {}
    // Its life by Keystone's clock, from now by ours.
    const life = Date.parse(body.expires_at ?? '') - Date.parse(body.issued_at ?? '')
    const ms = Number.isFinite(life) && life > 0 ? life : assumedLife
    return {
      token,
      renewAt: asked + ms - Math.min(earliest, ms / 4),
      expiresAt: asked + ms,
      catalog: body.catalog ?? [],
      projectId: body.project?.id ?? '',
    }
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
const pause = 30_000
const earliest = 300_000
const assumedLife = 600_000
