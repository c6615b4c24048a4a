/** At most `limit` characters, the last one '…' where something is cut off; no character is cut in two. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text
    .slice(0, limit - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`
}
