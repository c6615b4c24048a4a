import type { ApiLogLines } from '../../web/api.ts'

export type LogLine = ApiLogLines['lines'][number]

/** Consecutive lines of a log, as many as a page can show without effort. */
export interface LogWindow {
  /** Number of the first line that is held. */
  readonly first: number
  /** Number of the first line behind them; the last one itself while it has no end. */
  readonly next: number
  readonly lines: readonly LogLine[]
}

/** Lines that are held at most: the other end is given up. */
export const maxLines = 5_000
/** Lines of one request. */
export const pageLines = 1_000

export const emptyWindow: LogWindow = { first: 0, next: 0, lines: [] }

/** Adds an answer that begins where the window ends. */
export function append(window: LogWindow, { lines, nextLine }: ApiLogLines): LogWindow {
  const whole = [...window.lines.filter((line) => line.number < window.next), ...lines]
  const kept = fromNumber(whole, nextLine - maxLines)
  return { first: Math.max(window.first, nextLine - maxLines), next: nextLine, lines: kept }
}

/** Adds an answer that ends where the window begins. */
export function prepend(window: LogWindow, { firstLine, lines }: ApiLogLines): LogWindow {
  const end = firstLine + maxLines
  const earlier = lines.filter((line) => line.number < window.first)
  const whole = [...earlier, ...window.lines]
  if (window.next <= end) return { first: firstLine, next: window.next, lines: whole }
  return { first: firstLine, next: end, lines: whole.filter((line) => line.number < end) }
}

function fromNumber(lines: readonly LogLine[], number: number): readonly LogLine[] {
  const start = lines.findIndex((line) => line.number >= number)
  return start <= 0 ? lines : lines.slice(start)
}
