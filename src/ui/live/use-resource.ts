import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get, type AnswerError } from '../api.ts'
import { useEvents } from './connection.tsx'
import type { LiveEvent } from './event-stream.ts'

export interface Resource<T> {
  /** What was read last, also while it is read again. */
  readonly data: T | undefined
  readonly error: AnswerError | undefined
  readonly reload: () => void
}

/** Milliseconds between two readings of one resource, however many events come. */
const shortestPause = 500

/** Reads a path of the API, and reads it again when an event says that it may have changed. */
export function useResource<T>(path: string, changes: (event: LiveEvent) => boolean = never): Resource<T> {
  const [data, setData] = useState<T>()
  const [error, setError] = useState<AnswerError>()
  const reader = useRef<Reader>(undefined)

  useEffect(() => {
    const current = new Reader(async (signal) => {
      try {
        setData(await get<T>(path, signal))
        setError(undefined)
      } catch (failure) {
        if (!signal.aborted) setError(failure as AnswerError)
      }
    })
    reader.current = current
    current.ask()
    return () => current.stop()
  }, [path])

  const reload = useCallback(() => reader.current?.ask(), [])
  const onEvent = useCallback(
    (event: LiveEvent) => {
      if (event.type === 'reset' || changes(event)) reload()
    },
    [changes, reload],
  )
  useEvents(onEvent)
  return { data, error, reload }
}

function never(): boolean {
  return false
}

/** Reads one at a time: what is asked for meanwhile is one more reading after a pause. */
class Reader {
  readonly #read: (signal: AbortSignal) => Promise<void>
  readonly #stop = new AbortController()
  #isBusy = false
  #isAsked = false

  constructor(read: (signal: AbortSignal) => Promise<void>) {
    this.#read = read
  }

  ask(): void {
    this.#isAsked = true
    if (!this.#isBusy) void this.#run()
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    this.#isBusy = true
    while (this.#isAsked && !signal.aborted) {
      this.#isAsked = false
      await this.#read(signal)
      await new Promise((resolve) => setTimeout(resolve, shortestPause))
    }
    this.#isBusy = false
  }
}
