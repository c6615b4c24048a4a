import { maskPatterns } from './mask-patterns.ts'
import { Masker } from './masker.ts'

/**
 * The text with all secrets hidden, as they are and in other notations. Of one that was cut off, also what may be the
 * beginning of a secret at its end is left out.
 */
export function maskText(text: string, secrets: readonly string[], { cut = false } = {}): string {
  if (secrets.length === 0) return text
  const masker = new Masker(maskPatterns(secrets))
  const shown = masker.push(Buffer.from(text))
  return (cut ? shown : Buffer.concat([shown, masker.end()])).toString()
}
