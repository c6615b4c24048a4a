/** Bytes of 536870912, '512m' or '2g'; undefined for what is neither. */
export function sizeBytes(size: unknown): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size > 0 ? size : undefined
  const [, count, unit] = typeof size === 'string' ? (/^(\d+(?:\.\d+)?)([bkmgt]?)b?$/i.exec(size) ?? []) : []
  if (count === undefined) return undefined
  const bytes = Math.round(Number(count) * 1024 ** 'bkmgt'.indexOf((unit || 'b').toLowerCase()))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}
