/** What it costs to have something for so many milliseconds, in millionths of the currency's unit at the finest; null without a price. */
export function costOf(pricePerHour: number | null, ms: number): number | null {
  if (pricePerHour === null) return null
  return roundedCost((pricePerHour * Math.max(0, ms)) / 3_600_000)
}

export function roundedCost(cost: number): number {
  return Math.round(cost * 1e6) / 1e6
}

/** '0.0042', '1.25', '312.40': two digits behind the point, more for what would look like nothing. */
export function costText(cost: number): string {
  if (cost !== 0 && Math.abs(cost) < 0.1) return String(Number(cost.toPrecision(2)))
  return cost.toFixed(2)
}

/** The beginnings of the last `count` days in UTC, today first. */
export function utcDays(now: number, count: number): Date[] {
  const today = Math.floor(now / day) * day
  return Array.from({ length: count }, (_, back) => new Date(today - back * day))
}

const day = 86_400_000
