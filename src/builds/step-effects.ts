import { jsonb } from '../db/jsonb.ts'
import type { StepHost } from './build-tools.ts'
import { notStored, storedEffect, type StoredCalls, type StoredEffect } from './stored-calls.ts'

/** Numbers what one step asks for, and stores the answers to all that is not a command. */
export class StepEffects {
  readonly #host: StepHost
  readonly #stepId: number
  readonly #stored: StoredCalls
  readonly #replayed: boolean
  readonly #calls = new Set<string>()
  #unnamed = 0

  /** `replayed`: only what is stored is answered. */
  constructor(host: StepHost, stepId: number, stored: StoredCalls, replayed: boolean) {
    this.#host = host
    this.#stepId = stepId
    this.#stored = stored
    this.#replayed = replayed
  }

  /** The effect's number within the step, or its key. */
  call(key?: string): string {
    const call = key ?? String(++this.#unnamed)
    if (this.#calls.has(call)) throw new Error(`the step has asked for an effect "${call}" already`)
    this.#calls.add(call)
    return call
  }

  /** What an earlier master has stored of this call. Throws ConfigChanged when that was something else. */
  before(call: string, kind: string, request: unknown): StoredEffect | undefined {
    const before = storedEffect(this.#stored, call, kind, request)
    if (!before && this.#replayed) throw notStored(call, kind)
    return before
  }

  /** Stores what `make` returns before anyone acts on it, or returns what an earlier master has stored. */
  async once<T>(call: string, kind: string, request: unknown, make: () => T | Promise<T>): Promise<T> {
    const before = this.before(call, kind, request)
    if (before) return before.result as T
    const result = await make()
    const row = { step_id: this.#stepId, call, kind, request: jsonb(request), result: jsonb(result) }
    await this.#host.commit.write((trx) =>
      trx
        .insertInto('effects')
        .values(row)
        .onConflict((oc) => oc.doNothing())
        .execute(),
    )
    return result
  }
}
