import { humanDuration } from '../../model/durations.ts'

/** A time for a table: '3 m ago' on a terminal, ISO 8601 in a pipe, '-' for none. */
export function when(iso: string | null, { isTTY, now }: { isTTY: boolean; now: number }): string {
  if (iso === null) return '-'
  return isTTY ? ago(now - Date.parse(iso)) : iso
}

/** '12 s ago', '3 m ago', '5 h ago', '9 d ago'. A clock that is a little behind gives 'now'. */
export function ago(ms: number): string {
  const s = Math.floor(ms / 1000)
  if (!(s >= 1)) return 'now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} m ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  return `${Math.floor(s / 86_400)} d ago`
}

/** How long from start to end, or until now; '-' when it has not begun. */
export function took(start: string | null, end: string | null, now: number): string {
  if (start === null) return '-'
  return humanDuration(Math.max(0, (end === null ? now : Date.parse(end)) - Date.parse(start)))
}
