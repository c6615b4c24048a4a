import type { Logger } from 'pino'
import { messageOf } from './model/errors.ts'

/** What this master lets go of at once when another one may begin: when its lease, or its PostgreSQL, is lost. */
export class LeaseLoss {
  readonly #log: Logger
  readonly #holds: { name: string; letGo: LetGo }[] = []
  readonly #going: Promise<void>[] = []
  readonly #lost = Promise.withResolvers<string>()
  #reason: string | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Resolves with the reason. */
  get lost(): Promise<string> {
    return this.#lost.promise
  }

  /** What is added after the loss is let go of as soon as it is there. */
  add(name: string, letGo: LetGo): void {
    this.#holds.push({ name, letGo })
    if (this.#reason !== undefined) this.#letGo(this.#reason)
  }

  lose(reason: string): void {
    this.#reason ??= reason
    this.#lost.resolve(reason)
    this.#letGo(reason)
  }

  /** Resolves when all that was let go of has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#going)
  }

  #letGo(reason: string): void {
    for (const { letGo, name } of this.#holds.splice(0))
      this.#going.push(
        (async () => letGo(reason))().catch((error: unknown) =>
          this.#log.error({ err: error }, `could not let go of ${name}: ${messageOf(error)}`),
        ),
      )
  }
}

type LetGo = (reason: string) => void | Promise<void>
