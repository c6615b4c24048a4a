/** Work that several wait for at once is done once: those who come while it is under way get its outcome. */
export class OnceAtATime<T> {
  readonly #running = new Map<string, { readonly outcome: Promise<T>; readonly signal: AbortSignal }>()

  async run(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (;;) {
      const shared = this.#running.get(key) ?? this.#begin(key, signal, work)
      try {
        return await untilAborted(shared.outcome, signal)
      } catch (error) {
        // Only whoever began it has given up.
        if (signal.aborted || !shared.signal.aborted) throw error
        if (this.#running.get(key) === shared) this.#running.delete(key)
      }
    }
  }

  #begin(key: string, signal: AbortSignal, work: () => Promise<T>) {
    const shared = { outcome: work(), signal }
    this.#running.set(key, shared)
    const forget = () => {
      if (this.#running.get(key) === shared) this.#running.delete(key)
    }
    shared.outcome.then(forget, forget)
    return shared
  }
}

async function untilAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason as Error)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([outcome, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
