import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { ApiLog, ApiLogLines } from '../../web/api.ts'
import { get, type AnswerError } from '../api.ts'
import { useEvents } from '../live/connection.tsx'
import type { LiveEvent } from '../live/event-stream.ts'
import { append, emptyWindow, pageLines, prepend, type LogWindow } from './log-window.ts'

export interface LogView {
  readonly window: LogWindow
  readonly totalLines: number
  readonly error: AnswerError | undefined
  /** Whether the end of the log is shown and followed. */
  readonly isAtEnd: boolean
  readonly loadEarlier: () => void
  readonly loadEnd: () => void
}

/** Milliseconds between two looks at a log that grows. */
const pause = 250

/** The end of a log, followed while it grows, with what is before it on demand. */
export function useLog(log: ApiLog): LogView {
  const [view, setView] = useState({ window: emptyWindow, totalLines: log.lines, isAtEnd: true })
  const [error, setError] = useState<AnswerError>()
  const follower = useRef<LogFollower>(undefined)

  useEffect(() => {
    const current = new LogFollower(log.id, log.lines, setView, setError)
    follower.current = current
    return () => current.stop()
  }, [log.id])

  const onEvent = useCallback(
    (event: LiveEvent) => {
      if (event.type === 'reset') follower.current?.grew()
      if ((event.type === 'log.grew' || event.type === 'log.finished') && event.log === log.id)
        follower.current?.grew(event.lines)
    },
    [log.id],
  )
  useEvents(onEvent)

  return {
    ...view,
    error,
    loadEarlier: useCallback(() => follower.current?.loadEarlier(), []),
    loadEnd: useCallback(() => follower.current?.loadEnd(), []),
  }
}

type View = Pick<LogView, 'window' | 'totalLines' | 'isAtEnd'>

/** Reads one part of the log at a time. */
class LogFollower {
  readonly #id: number
  readonly #show: (view: View) => void
  readonly #fail: (error: AnswerError | undefined) => void
  readonly #stop = new AbortController()
  #view: View
  #wanted: 'more' | 'earlier' | 'end' | undefined
  #isBusy = false

  constructor(
    id: number,
    lines: number,
    show: (view: View) => void,
    fail: (error: AnswerError | undefined) => void,
  ) {
    this.#id = id
    this.#show = show
    this.#fail = fail
    this.#view = { window: emptyWindow, totalLines: lines, isAtEnd: true }
    this.loadEnd()
  }

  grew(lines = this.#view.totalLines): void {
    this.#view = { ...this.#view, totalLines: Math.max(lines, this.#view.totalLines) }
    if (this.#view.isAtEnd) this.#want('more')
    else this.#show(this.#view)
  }

  loadEarlier(): void {
    this.#want('earlier')
  }

  loadEnd(): void {
    this.#want('end')
  }

  stop(): void {
    this.#stop.abort()
  }

  #want(what: 'more' | 'earlier' | 'end'): void {
    // What a person asked for comes before what the log has asked for.
    if (what !== 'more' || this.#wanted === undefined) this.#wanted = what
    if (!this.#isBusy) void this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    this.#isBusy = true
    while (this.#wanted && !signal.aborted) {
      const wanted = this.#wanted
      this.#wanted = undefined
      try {
        await this.#load(wanted)
        this.#fail(undefined)
      } catch (error) {
        if (!signal.aborted) this.#fail(error as AnswerError)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
    this.#isBusy = false
  }

  async #load(wanted: 'more' | 'earlier' | 'end'): Promise<void> {
    const { window, totalLines } = this.#view
    if (wanted === 'earlier') {
      const from = Math.max(0, window.first - pageLines)
      const earlier = prepend(window, await this.#readUpTo(from, window.first))
      this.#update(earlier, earlier.next === window.next && this.#view.isAtEnd)
      return
    }
    // Far behind: what is between would be thrown away at once.
    const isFar = wanted === 'end' || totalLines - window.next > 2 * pageLines
    const from = isFar ? Math.max(0, totalLines - pageLines) : window.next
    const answer = await this.#read(from, pageLines)
    const next = append(isFar ? { first: from, next: from, lines: [] } : window, answer)
    this.#view = { ...this.#view, totalLines: answer.totalLines }
    this.#update(next, true)
    if (answer.nextLine < answer.totalLines) this.#want('more')
  }

  // The master cuts an answer of very long lines.
  async #readUpTo(from: number, to: number): Promise<ApiLogLines> {
    const whole = await this.#read(from, to - from)
    while (whole.nextLine < to) {
      const more = await this.#read(whole.nextLine, to - whole.nextLine)
      if (more.nextLine <= whole.nextLine) break
      whole.lines.push(...more.lines)
      whole.nextLine = more.nextLine
    }
    return whole
  }

  #read(firstLine: number, lines: number): Promise<ApiLogLines> {
    return get(`/logs/${this.#id}/text?format=json&firstLine=${firstLine}&lines=${lines}`, this.#stop.signal)
  }

  #update(window: LogWindow, isAtEnd: boolean): void {
    this.#view = { ...this.#view, window, isAtEnd }
    this.#show(this.#view)
  }
}
