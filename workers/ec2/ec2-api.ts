import type { EC2 } from '@aws-sdk/client-ec2'
import type { HttpHandlerOptions } from '@smithy/types'
import type { BackendContext } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { backoff } from '../../src/util/backoff.ts'
import type { Clock } from '../../src/util/clock.ts'
import { CallRate, type Urgency } from '../../src/util/call-rate.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { credentialsOf } from './credentials.ts'
import { explainFailure, isThrottled } from './ec2-error.ts'

interface CallContext {
  readonly signal: AbortSignal
  readonly urgency: Urgency
}

/** EC2 of one region. Each call ends with its signal, waits for its turn, and comes again when it was throttled. */
export class Ec2Api {
  /** For people. */
  readonly where: string
  readonly #ec2: EC2
  readonly #clock: Clock
  readonly #rate: CallRate

  /** Loads the SDK, which is only needed where a config names an EC2 worker. Contacts nobody. */
  static async open(
    options: ConnectionOptions,
    { readSecret }: Pick<BackendContext, 'readSecret'>,
    clock: Clock,
  ): Promise<Ec2Api> {
    const { EC2: Client } = await import('@aws-sdk/client-ec2')
    const { endpoint, profile, region } = options
    const credentials = await credentialsOf(options, readSecret)
    const client = new Client({
      region,
      // One try: each has to wait for its turn, which the SDK's own would not.
      maxAttempts: 1,
      requestHandler: { connectionTimeout: connectionMs },
      ...(endpoint !== undefined && { endpoint }),
      ...(profile !== undefined && { profile }),
      ...(credentials && { credentials }),
    })
    return new Ec2Api(client, options, clock)
  }

  private constructor(ec2: EC2, options: ConnectionOptions, clock: Clock) {
    const { endpoint, maxCallsPerSecond = callsPerSecond, region } = options
    this.where = endpoint === undefined ? `EC2 in ${region}` : `EC2 at ${endpoint}`
    this.#ec2 = ec2
    this.#clock = clock
    this.#rate = new CallRate({ clock, perSecond: maxCallsPerSecond })
  }

  /** Throws Ec2Error for an answer that is no success, BackendError CAPACITY when it was throttled to the end, else Error. */
  async call<T>(
    operation: string,
    { signal, urgency }: CallContext,
    send: (ec2: EC2, o: HttpHandlerOptions) => Promise<T>,
  ): Promise<T> {
    let throttled: Error | undefined
    try {
      for (let attempt = 0; ; attempt++) {
        await this.#rate.take(urgency, signal)
        try {
          const answer = await untilAborted(send(this.#ec2, { abortSignal: signal }), signal)
          this.#rate.speedUp()
          return answer
        } catch (error) {
          if (signal.aborted || !isThrottled(error)) throw error
          throttled = explainFailure(error, operation, this.where)
          this.#rate.slowDown()
          await this.#clock.sleep(backoff(attempt, throttlePause), signal)
        }
      }
    } catch (error) {
      if (!signal.aborted) throw explainFailure(error, operation, this.where)
      if (throttled) throw new BackendError('CAPACITY', throttled.message, { cause: throttled })
      throw new Error(`${operation}: given up before ${this.where} had answered`, { cause: signal.reason })
    }
  }

  close(): void {
    this.#ec2.destroy()
  }
}

/** Also where the SDK waits for something that no signal ends, such as credentials. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason as Error)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => {})
  }
}

const callsPerSecond = 10
const connectionMs = 10_000
const throttlePause = { initial: 500, max: 20_000 }
