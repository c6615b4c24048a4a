import type { StoredOperation } from '../db/stored-operation.ts'
import { isSecret, type Secret } from '../model/secret.ts'
import type { Operation } from '../protocol/operation.ts'
import type { HttpAnswer, HttpRequest, MasterShellRequest, StepOutcome } from '../steps/step.ts'
import { maskText } from '../util/mask/mask-text.ts'
import type { SecretValues } from './build-tools.ts'
import { maxOperationBytes } from './operation-of.ts'

/** The same with the values of its secrets. */
export type Revealed<T> = T extends Secret
  ? string
  : T extends object
    ? { [K in keyof T]: Revealed<T[K]> }
    : T

/**
 * The secrets of one step: looked up at the moment that their values are needed, and hidden in what the step says from then
 * on. What reveals throws ROUSE_SECRET_MISSING.
 */
export class StepSecrets {
  readonly #secrets: SecretValues
  readonly #used = new Set<string>()

  constructor(secrets: SecretValues) {
    this.#secrets = secrets
  }

  /** What an agent gets, and what it has to hide: also what the step's earlier commands may have left on the worker. */
  operation(stored: StoredOperation): { operation: Operation; mask?: string[] } {
    if (stored.op !== 'shell') return this.#masked(stored)
    const { secretEnv = {}, secretStdin, ...plain } = stored
    const own = Object.entries(secretEnv).map(([name, secret]) => [name, this.#value(secret)] as const)
    const stdin = secretStdin === undefined ? {} : { stdin: this.#value(secretStdin) }
    return this.#masked({ ...plain, env: { ...plain.env, ...Object.fromEntries(own) }, ...stdin })
  }

  masterShell(request: MasterShellRequest): Revealed<MasterShellRequest> {
    return this.#reveal(request)
  }

  httpRequest(request: HttpRequest): Revealed<HttpRequest> {
    const revealed = this.#reveal(request)
    for (const [name, value] of Object.entries(revealed.headers ?? {})) {
      if (!isSecret(request.headers?.[name])) continue
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
        throw new TypeError(`headers.${name}: its secret holds characters that a header cannot`)
      // A server may say what it got without the scheme.
      const [, credentials] = /^(?:Basic|Bearer|Token) +(\S{4,})$/i.exec(value) ?? []
      if (credentials) this.#used.add(credentials)
    }
    return revealed
  }

  /** The values that have been looked up so far. */
  get used(): readonly string[] {
    return [...this.#used]
  }

  hide(text: string): string {
    return maskText(text, this.used)
  }

  hideInAnswer({ body, cut, error, headers, status }: HttpAnswer): HttpAnswer {
    const shown = Object.entries(headers).map(([name, value]) => [name, this.hide(value)])
    return {
      status,
      headers: Object.fromEntries(shown) as Record<string, string>,
      body: maskText(body, this.used, { cut }),
      cut,
      ...(error === undefined ? {} : { error: this.hide(error) }),
    }
  }

  hideInOutcome(outcome: StepOutcome): StepOutcome {
    return outcome.summary === undefined ? outcome : { ...outcome, summary: this.hide(outcome.summary) }
  }

  #masked(operation: Operation): { operation: Operation; mask?: string[] } {
    if (this.#used.size === 0) return { operation }
    // The last ones are the operation's own.
    const mask = this.used.slice(-maxMasks)
    const bytes = Buffer.byteLength(JSON.stringify({ operation, mask }))
    if (bytes <= maxOperationBytes) return { operation, mask }
    throw new TypeError(
      `${operation.op}: with its secrets it takes ${bytes} bytes, the limit is ${maxOperationBytes}`,
    )
  }

  #reveal<T>(value: T): Revealed<T> {
    if (isSecret(value)) return this.#value(value.name) as Revealed<T>
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value as Revealed<T>
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.#reveal(v)])) as Revealed<T>
  }

  #value(name: string): string {
    const value = this.#secrets.value(name)
    if (value.length > maxLength) throw new TypeError(`secret ${name} has more than ${maxLength} characters`)
    this.#used.delete(value)
    this.#used.add(value)
    return value
  }
}

/** What a `run` message has room for. */
const maxMasks = 100
const maxLength = 65_536
