import { createHash, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { ErrorCode } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Fleet } from './fleet.ts'
import type { InstanceLogin, InstanceLogins } from './instance-logins.ts'
import type { Worker } from './worker.ts'

export type LoginAnswer =
  | {
      ok: true
      worker: Worker
      /** Of an instance's agent: to be stored with its session, and all that logs it in from then on. */
      credentialHash?: Buffer
      /** Of the instance. */
      generation?: number
    }
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
  /** What an instance's agent has made to log in with from now on. */
  readonly credential?: string | undefined
}

export interface LoginOptions {
  readonly clock: Clock
  readonly fleet: Fleet
  /** Without it there are no instances. */
  readonly instances?: InstanceLogins | undefined
  readonly log: Logger
}

/**
 * Checks who may connect. Unknown name and wrong password get the same answer in the same time; the log tells which it was,
 * with the address. Whoever fails too often is told to wait, and may still come in with the right password.
 *
 * An instance's agent gives the instance's id as its name, the token it was started with as its password, and a credential
 * that it has made itself. Its first session stores that one, and from then on nothing else logs in.
 */
export class Login {
  readonly #fleet: Fleet
  readonly #instances: InstanceLogins | undefined
  readonly #log: Logger
  readonly #clock: Clock
  readonly #failed = new FailedLogins()

  constructor({ clock, fleet, instances, log }: LoginOptions) {
    this.#fleet = fleet
    this.#instances = instances
    this.#log = log
    this.#clock = clock
  }

  async check(attempt: LoginAttempt): Promise<LoginAnswer> {
    const instance = await this.#instances?.find(attempt.name)
    return instance ? await this.#checkInstance(instance, attempt) : await this.#checkWorker(attempt)
  }

  async #checkWorker(attempt: LoginAttempt): Promise<LoginAnswer> {
    const worker = this.#fleet.admitted(attempt.name)
    const expected = worker?.spec.password
    const right = sameText(attempt.password, expected ?? '') && expected !== undefined
    return worker && right ? await this.#admit(worker, attempt) : this.#refuse(attempt, whyNot(worker))
  }

  async #checkInstance(instance: InstanceLogin, attempt: LoginAttempt): Promise<LoginAnswer> {
    const { credentialHash, refusal, token } = instance
    const proposed = sha256(attempt.credential ?? '')
    const rightToken = sameText(attempt.password, token)
    const rightCredential = timingSafeEqual(proposed, credentialHash ?? nothing)
    if (attempt.credential === undefined)
      return this.#refuse(attempt, 'the agent of an instance must propose a credential (--instance)')
    if (instance.isOutdated({ password: attempt.password, credentialHash: proposed })) {
      instance.outdated()
      const message = 'this login is of an earlier generation: the machine is to be reset, or was not'
      this.#log.warn({ instance: attempt.name, address: attempt.address }, `agent refused: ${message}`)
      return { ok: false, status: 409, code: 'ROUSE_AGENT_NOT_RESET', message }
    }
    if (credentialHash ? !rightCredential : !rightToken)
      return this.#refuse(
        attempt,
        credentialHash ? 'another agent has logged in as this instance' : 'wrong token of an instance',
      )
    const worker = refusal === undefined ? await instance.worker() : undefined
    if (worker)
      return await this.#admit(worker, attempt, {
        credentialHash: proposed,
        generation: instance.generation,
      })
    const message = refusal ?? 'another master looks after this instance'
    this.#log.warn({ instance: attempt.name, address: attempt.address }, `agent refused: ${message}`)
    return { ok: false, status: 409, code: 'ROUSE_AGENT_INSTANCE_ENDS', message }
  }

  async #admit(
    worker: Worker,
    { address, runId }: LoginAttempt,
    of: { credentialHash?: Buffer; generation?: number } = {},
  ): Promise<LoginAnswer> {
    const taken = await this.#fleet.whyTaken(worker, runId)
    if (taken === undefined) return { ok: true, worker, ...of }
    this.#log.warn({ worker: worker.name, address }, `agent refused: ${taken}`)
    return { ok: false, status: 409, code: 'ROUSE_AGENT_ALREADY_CONNECTED', message: taken }
  }

  #refuse({ address, name }: LoginAttempt, why: string): LoginAnswer {
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

function whyNot(worker: Worker | undefined): string {
  if (!worker) return 'no worker of this name in the config'
  if (worker.spec.kind === 'latent')
    return 'a latent worker takes no agents of your own: the master starts its instances, which log in by themselves'
  return worker.spec.kind === 'local'
    ? 'this worker runs in the master itself and takes no agent'
    : 'wrong password'
}

// Hashing first makes the lengths equal, which timingSafeEqual needs, and hides the real one.
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** No text has this hash. */
const nothing = Buffer.alloc(32)
