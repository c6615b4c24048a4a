import type { Result } from '../../model/results.ts'

/** Of which builds is told, as in Buildbot. */
export const modes = [
  'all',
  'cancelled',
  'change',
  'exception',
  'failing',
  'passing',
  'problem',
  'warnings',
] as const
export type Mode = (typeof modes)[number]

/** Buildbot's default. */
export const defaultModes: readonly Mode[] = ['failing', 'passing', 'warnings']

/**
 * Whether a build with this result is told of. `change` and `problem` compare with the builder's last result on the same branch: on
 * the first one nothing has changed.
 */
export function isWanted(wanted: readonly Mode[], result: Result | null, previous: Result | null): boolean {
  return wanted.some((mode) => {
    switch (mode) {
      case 'all':
        return result !== null && result !== 'SKIPPED' && result !== 'RETRY'
      case 'cancelled':
        return result === 'CANCELLED'
      case 'change':
        return previous !== null && isVerdict(result) && result !== previous
      case 'exception':
        return result === 'EXCEPTION'
      case 'failing':
        return result === 'FAILURE'
      case 'passing':
        return result === 'SUCCESS'
      case 'problem':
        return result === 'FAILURE' && previous !== null && previous !== 'FAILURE'
      case 'warnings':
        return result === 'WARNINGS'
    }
    throw new Error(`no mode: ${String(mode satisfies never)}`)
  })
}

/** What says something of the source: not that it was left out, cancelled or is tried again. */
function isVerdict(result: Result | null): boolean {
  return result === 'SUCCESS' || result === 'WARNINGS' || result === 'FAILURE' || result === 'EXCEPTION'
}
