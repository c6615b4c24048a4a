import { seconds } from '../model/durations.ts'
import { RouseError } from '../model/errors.ts'

/** A duration from `now` (milliseconds) or a time in ISO 8601, as a time to come. Throws ROUSE_REQUEST_INVALID. */
export function readUntil(until: number | string | undefined, now: number): Date | null {
  if (until === undefined) return null
  const isTime = typeof until === 'string' && /^\d{4}-\d\d-\d\d/.test(until)
  const time = isTime ? Date.parse(until) : now + seconds(until) * 1000
  if (!(time > now && time < latest))
    throw new RouseError('ROUSE_REQUEST_INVALID', `until: ${JSON.stringify(until)} is not a time to come`, {
      advice: "Write a duration such as '90m' or '2h', or a time such as 2031-12-24T18:00:00Z.",
    })
  return new Date(time)
}

/** The year 10,000: what every reader of ISO 8601 understands ends there. */
const latest = Date.UTC(10_000, 0)
