/** '0.0042', '1.25', '1,312.40': in no currency, since only the user knows which. */
export function money(cost: number): string {
  const digits = cost !== 0 && Math.abs(cost) < 0.1 ? { maximumSignificantDigits: 2 } : twoDigits
  return cost.toLocaleString(undefined, digits)
}

const twoDigits = { minimumFractionDigits: 2, maximumFractionDigits: 2 }
