/** One line of the benchmark: what was measured beside the bare limit of the same machine in the same run. */
export interface Row {
  readonly claim: string
  readonly measured: string
  readonly limit: string
  readonly ratio: string
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
