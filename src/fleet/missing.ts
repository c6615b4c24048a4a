/** What is known of a worker that may be missing. All times are milliseconds since the epoch, durations milliseconds. */
export interface Absence {
  /** How long it may be away. */
  readonly timeout: number
  /** Since when this master is ready. */
  readonly readyAt: number
  /** People were told, and it was not connected since. */
  readonly noticed: boolean
  /** Static: since when it is away; null while it is connected. Latent: null. */
  readonly awaySince: number | null
  /** Latent: since when an instance is wanted and no agent has come. */
  readonly wantedSince: number | null
  /** Latent: since when fewer instances are there than are to be kept. */
  readonly shortSince: number | null
}

export interface Missing {
  readonly why: 'away' | 'wanted' | 'short'
  readonly since: number
  /** When people are told: it may have been before now. */
  readonly at: number
}

/**
 * Whether and when a worker is missing, if nothing changes: the first of its reasons counts. Undefined: it is not on the way to
 * be. After a start of the master nobody is told before workers had the chance to come back.
 *
 *     connected ──lost──► away ──timeout, and the master is ready for long enough──► noticed (told once)
 *         ▲                │                                                            │
 *         └───── back ─────┴──────────────────── back: perhaps a mail of recovery ──────┘
 */
export function whenMissing(absence: Absence): Missing | undefined {
  const { awaySince, noticed, readyAt, shortSince, timeout, wantedSince } = absence
  if (noticed) return undefined
  const earliest = readyAt + Math.min(timeout, homecoming)
  const reasons = { away: awaySince, wanted: wantedSince, short: shortSince }
  let first: Missing | undefined
  for (const [why, since] of Object.entries(reasons) as [Missing['why'], number | null][]) {
    if (since === null) continue
    const at = Math.max(since + timeout, earliest)
    if (!first || since < first.since) first = { why, since, at }
  }
  return first
}

/** How many losses within an hour are more than a bad line now and then. */
export const manyLosses = 5
/** In which they are counted, and after which people are told again. */
export const lossWindow = 3_600_000

/** Whether people are told now that the connection is lost again and again. `losses`: the times of the last ones. */
export function isFlapping(losses: readonly number[], noticedAt: number | null, now: number): boolean {
  const recent = losses.filter((at) => at > now - lossWindow)
  return recent.length > manyLosses && (noticedAt === null || noticedAt <= now - lossWindow)
}

/** How long workers have to come back after a start of the master, however long they may be away. */
const homecoming = 300_000
