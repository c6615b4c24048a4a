import type { Check } from './checks.ts'
import { checkSecret } from './check-secret.ts'
import { isSecret } from '../model/secret.ts'
import { closest } from '../util/closest.ts'
import { showKind } from './show.ts'

/** 'embedded', a PostgreSQL URL or a secret with one. A URL holds a password, so no more than its scheme is shown. */
export const checkDatabase: Check = (value, place) => {
  if (isSecret(value)) return checkSecret(value, place)
  if (value === 'embedded' || isPostgresUrl(value)) return
  const what = `'embedded', a URL such as 'postgres://user@host/name', or a secret with such a URL`
  const [scheme] = /^[a-z+]+:/i.exec(String(value)) ?? []
  if (typeof value !== 'string') place.mustBe(what, value)
  else if (closest(value, ['embedded'])) place.error(`must be ${what}; did you mean 'embedded'?`)
  else if (scheme?.startsWith('postgres'))
    place.error(`must be ${what}; this URL cannot be read (is a special character in it not %-encoded?)`)
  else place.error(`must be ${what}, got ${scheme ? `a URL of ${scheme}` : showKind(value)}`)
}

export function isPostgresUrl(value: unknown): value is string {
  return typeof value === 'string' && /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)
}
