import { RouseError } from './errors.ts'

/** Seconds as a number, as in Buildbot, or a string: '90s', '10m', '1h', '2d', also '1h30m'. */
export type Duration = number | string

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds of a duration. Throws ROUSE_DURATION_INVALID on anything else. */
export function seconds(duration: Duration): number {
  if (typeof duration === 'number' && Number.isFinite(duration)) return duration
  if (typeof duration === 'string') {
    const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
    if (parts.length > 0 && parts.map((p) => p[0]).join('') === duration.trim().replaceAll(' ', '')) {
      return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitSeconds[unit!]!, 0)
    }
  }
  throw new RouseError('ROUSE_DURATION_INVALID', `not a duration: ${JSON.stringify(duration)}`)
}

/** '1 h 12 m', '3.4 s', '120 ms': for people. */
export function humanDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`
  const tenths = Math.round(ms / 100)
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}
