/** Text of others as one line of at most `limit` characters; what is cut off ends in '…'. */
export function oneLine(text: string, limit: number): string {
  const plain = text
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return shorten(plain, limit)
}

/** At most `limit` characters, as all hosts count them; no character is cut in two. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text
    .slice(0, limit - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`
}
