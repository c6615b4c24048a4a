/** '141 bytes', '1.5 MiB'. */
export function size(bytes: number): string {
  let [rest, unit] = [bytes, 0]
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024
    unit++
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  return `${rest.toFixed(rest < 100 ? 1 : 0)} ${units[unit]}`
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
