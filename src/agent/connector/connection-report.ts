import { humanDuration } from '../../model/durations.ts'
import type { Log } from '../log.ts'
import type { ConnectionEnd } from './connection.ts'
import type { MasterAddress } from './master-address.ts'

/** Tells of connections without telling the same thing every three seconds. */
export class ConnectionReport {
  readonly #log: Log
  #said = ''
  #saidAt = -Infinity

  constructor(log: Log) {
    this.#log = log
  }

  welcomed({ href }: MasterAddress, name: string): void {
    this.#said = ''
    this.#log.info(`connected to ${href} as ${name}`)
  }

  /** `wait`: milliseconds until the next attempt. */
  ended({ href }: MasterAddress, { held, reason, refused }: ConnectionEnd, wait: number): void {
    const next = wait === 0 ? 'trying the next master' : `trying again in ${humanDuration(wait)}`
    if (refused) return this.#log.error(`${href} refused this agent: ${reason}; ${next}`)
    if (held > 0) return this.#log.warn(`disconnected from ${href}: ${reason}; ${next}`)
    const line = `cannot connect to ${href}: ${reason}`
    if (line === this.#said && performance.now() - this.#saidAt < quietMs) return
    this.#said = line
    this.#saidAt = performance.now()
    this.#log.warn(`${line}; ${next}`)
  }
}

const quietMs = 60_000
