/** Bytes of 536870912, '512m' or '2g'; undefined for what is neither. */
export function memoryBytes(memory: unknown): number | undefined {
  if (typeof memory === 'number') return Number.isSafeInteger(memory) && memory > 0 ? memory : undefined
  const [, count, unit] =
    typeof memory === 'string' ? (/^(\d+(?:\.\d+)?)([bkmgt]?)b?$/i.exec(memory) ?? []) : []
  if (count === undefined) return undefined
  const bytes = Math.round(Number(count) * 1024 ** 'bkmgt'.indexOf((unit || 'b').toLowerCase()))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}
