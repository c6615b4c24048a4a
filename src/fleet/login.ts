import { createHash, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { ErrorCode } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Fleet } from './fleet.ts'

export type LoginAnswer =
  | { ok: true; worker: string }
  | {
      ok: false
      status: 401 | 409 | 429
      code: ErrorCode
      message: string
      /** Seconds. */
      retryAfter?: number
    }

/** What an agent says of itself before it may connect. */
export interface LoginAttempt {
  readonly name: string
  readonly password: string
  readonly address: string
  /** The agent's run, where it says so: a run may take the place of its own dead connection at once. */
  readonly runId: string | undefined
}

/**
 * Checks who may connect. Unknown name and wrong password get the same answer in the same time; the log tells which it was,
 * with the address. Whoever fails too often is told to wait, and may still come in with the right password.
 */
export class Login {
  readonly #fleet: Fleet
  readonly #log: Logger
  readonly #clock: Clock
  readonly #failed = new FailedLogins()

  constructor({ clock, fleet, log }: { clock: Clock; fleet: Fleet; log: Logger }) {
    this.#fleet = fleet
    this.#log = log
    this.#clock = clock
  }

  async check({ address, name, password, runId }: LoginAttempt): Promise<LoginAnswer> {
    const worker = this.#fleet.admitted(name)
    const expected = worker?.spec.password
    const right = sameText(password, expected ?? '') && expected !== undefined
    if (!right) {
      return this.#refuse(
        name,
        address,
        !worker
          ? 'no worker of this name in the config'
          : expected === undefined
            ? 'this worker runs in the master itself and takes no agent'
            : 'wrong password',
      )
    }
    const taken = await this.#fleet.whyTaken(name, runId)
    if (taken === undefined) return { ok: true, worker: name }
    this.#log.warn({ worker: name, address }, `agent refused: ${taken}`)
    return { ok: false, status: 409, code: 'ROUSE_AGENT_ALREADY_CONNECTED', message: taken }
  }

  #refuse(name: string, address: string, why: string): LoginAnswer {
    const now = this.#clock.now()
    const wait = this.#failed.blockedFor(name, address, now)
    const facts = { worker: name.slice(0, 100), address }
    if (wait !== undefined) {
      this.#log.debug(facts, `agent refused: ${why}, too often`)
      return {
        ok: false,
        status: 429,
        code: 'ROUSE_AGENT_TOO_MANY_FAILURES',
        message: 'too many failed logins for this name from this address',
        retryAfter: Math.ceil(wait / 1000),
      }
    }
    this.#failed.add(name, address, now)
    const tooMany = this.#failed.blockedFor(name, address, now) !== undefined
    this.#log.warn(facts, `agent refused: ${why}${tooMany ? '; too many failures, more are not logged' : ''}`)
    return {
      ok: false,
      status: 401,
      code: 'ROUSE_AGENT_LOGIN_REFUSED',
      message: 'unknown worker name or wrong password',
    }
  }
}

// Hashing first makes the lengths equal, which timingSafeEqual needs, and hides the real one.
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
