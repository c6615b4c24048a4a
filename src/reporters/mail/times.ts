import { humanDuration } from '../../model/durations.ts'

/** '2026-11-21 01:16 UTC': what everybody can read, wherever the mail goes. */
export function moment(time: Date | string): string {
  const iso = new Date(time).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}

/** '2 h 3 m', never less than nothing: clocks differ. */
export function span(from: Date | string, to: Date | string | number): string {
  return humanDuration(Math.max(0, new Date(to).getTime() - new Date(from).getTime()))
}
