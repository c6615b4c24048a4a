import type { InstanceRow } from './instance-row.ts'

/** Why it takes no builds, in a few words; undefined when it does. */
export function hindranceOf(
  { attempt, detail, parkings, retryAt, state, stopReason }: InstanceRow,
  now: number,
): string | undefined {
  if (state === 'requested' || state === 'starting') {
    const again = attempt > 1 ? `, attempt ${attempt}` : ''
    const next = retryAt === null ? '' : `, next try in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`
    const why = detail === null || state === 'starting' ? '' : `: ${detail}`
    return `is starting${again}${next}${why}`
  }
  if (state === 'sealing') return 'is starting: its snapshot is being taken'
  if (state === 'resetting') return parkings > 0 ? 'is waking' : 'is being reset'
  if (state === 'parking') return 'is being parked'
  if (state === 'parked') return 'is parked'
  return stopReason === null ? undefined : `is being stopped: ${stopReason}`
}
