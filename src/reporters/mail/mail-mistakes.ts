import { isAbsolute } from 'node:path'
import { isSecret, pastedSecret } from '../../model/secret.ts'
import { closest } from '../../util/closest.ts'
import { parseAddress, plainDomain } from './addresses.ts'
import { isFreeHeader } from './headers.ts'
import type { MailOptions } from './mail-options.ts'
import { modes } from './modes.ts'

/** One sentence per mistake in the options: 'relayhost: must be a host name or an IP address, got 25'. */
export function mailMistakes(options: unknown): string[] {
  if (!isRecord(options))
    return [`must be given its options, such as { fromaddr: 'ci@acme.example' }, got ${show(options)}`]
  return [
    ...Object.entries(checks).flatMap(([key, check]) => {
      const value = options[key]
      const wrong = value === undefined && key !== 'fromaddr' ? undefined : check(value)
      return wrong === undefined ? [] : [`${key}: ${wrong}`]
    }),
    ...Object.keys(options)
      .filter((key) => !Object.hasOwn(checks, key))
      .map(unknownOption),
    ...loginMistakes(options),
    ...(isDeaf(options) ? ['builders: with [] and no workers nothing would ever be sent'] : []),
  ]
}

function loginMistakes({ password, tls, user }: Record<string, unknown>): string[] {
  if (user !== undefined && password === undefined)
    return ["password: is missing: with a user, the relay wants one, such as secret('MAIL_PASSWORD')"]
  if (user === undefined && password !== undefined) return ['user: is missing: a password alone is no login']
  if (user !== undefined && tls === 'opportunistic')
    return [
      "tls: must be 'starttls' or 'implicit' with a password, which 'opportunistic' may send unencrypted",
    ]
  return []
}

function isDeaf({ builders, workers }: Record<string, unknown>): boolean {
  return isEmpty(builders) && (workers === false || isEmpty(workers))
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

type Check = (value: unknown) => string | undefined

const yesOrNo = must('true or false', (value) => typeof value === 'boolean')
const text = must('a string that is not empty', isText)
const address = must(
  "an address such as 'ci@acme.example' or 'Acme CI <ci@acme.example>'",
  (value) => parseAddress(value) !== undefined,
)
const template = must('a function', (value) => typeof value === 'function')
const names = must(
  'true, false or an array of names',
  (value) => typeof value === 'boolean' || isTexts(value),
)

const checks: Record<keyof MailOptions, Check> = {
  name: must(
    'a name of letters, digits, ".", "_" and "-", at most 100',
    (value) => typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(value),
  ),
  fromaddr: address,
  relayhost: must(
    "a host name or an IP address, such as 'smtp.acme.example'",
    (value) =>
      typeof value === 'string' &&
      (plainDomain(value) !== undefined || /^[\da-f:.]*:[\da-f:.]*$/i.test(value)) &&
      value.length <= 253,
  ),
  port: must('a port from 1 to 65535', (value) => isInteger(value) && value >= 1 && value <= 65_535),
  tls: oneOf(['none', 'opportunistic', 'starttls', 'implicit']),
  caFile: must(
    "an absolute path, such as join(import.meta.dirname, 'ca.pem')",
    (value) => typeof value === 'string' && isAbsolute(value) && !value.includes('\0'),
  ),
  user: (value) => (isSecret(value) ? undefined : (unpasted(value) ?? text(value))),
  password: confidential,
  builders: must("an array of builders' names, or [] for none", isTexts),
  workers: names,
  mode: modeMistake,
  perBuildset: yesOrNo,
  extraRecipients: eachAddress,
  sendToInterestedUsers: yesOrNo,
  owners: yesOrNo,
  lookup: must(
    "a domain such as 'acme.example', or a function from a name to an address",
    (value) => typeof value === 'function' || (typeof value === 'string' && plainDomain(value) !== undefined),
  ),
  subject: template,
  body: template,
  workerSubject: template,
  workerBody: template,
  addLogs: names,
  addArtifacts: names,
  maxAttachmentSize: must(
    'a number of bytes of at most 52428800 (50 MiB)',
    (value) => isInteger(value) && value >= 0 && value <= 52_428_800,
  ),
  extraHeaders: headerMistake,
  replyTo: (value) => (Array.isArray(value) ? eachAddress(value) : address(value)),
}

function must(what: string, isRight: (value: unknown) => boolean): Check {
  return (value) => {
    if (isRight(value)) return undefined
    return value === undefined ? `is missing: it must be ${what}` : `must be ${what}, got ${show(value)}`
  }
}

function oneOf(words: readonly string[]): Check {
  return (value) => {
    if (words.includes(value as string)) return undefined
    const near = typeof value === 'string' ? closest(value, words) : undefined
    const hint = near === undefined ? '' : `; did you mean "${near}"?`
    return `must be one of ${words.map((word) => `"${word}"`).join(', ')}, got ${show(value)}${hint}`
  }
}

function modeMistake(value: unknown): string | undefined {
  if (!Array.isArray(value)) return oneOf(modes)(value)
  if (value.length === 0) return 'must have at least one mode; to hear of no builds, give builders: []'
  return value.map(oneOf(modes)).find((mistake) => mistake !== undefined)
}

function eachAddress(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `must be an array of addresses, got ${show(value)}`
  if (value.length > 100) return `must have at most 100 addresses, got ${value.length}`
  return value.map((one) => address(one)).find((mistake) => mistake !== undefined)
}

function headerMistake(value: unknown): string | undefined {
  if (!isRecord(value)) return `must be an object such as { 'X-Team': 'builds' }, got ${show(value)}`
  for (const [name, content] of Object.entries(value)) {
    if (!isFreeHeader(name))
      return `${show(name)} must be a header that Rouse does not write itself, of letters, digits and "-"`
    if (typeof content !== 'string' || content.length > 900 || !/^[ -~]*$/.test(content))
      return `${name} must be one line of ASCII with at most 900 characters, got ${show(content)}`
  }
  return undefined
}

// Never shown: it may be the password itself.
function confidential(value: unknown): string | undefined {
  if (isSecret(value)) return undefined
  return (
    unpasted(value) ?? (isText(value) ? undefined : "must be secret('NAME') or a string that is not empty")
  )
}

function unpasted(value: unknown): string | undefined {
  return typeof value === 'string' && pastedSecret.test(value)
    ? 'a secret cannot be put into a string; make the whole text one secret'
    : undefined
}

function unknownOption(key: string): string {
  const options = Object.keys(checks)
  const near = closest(key, options)
  return `${key}: is no option; ${near ? `did you mean "${near}"?` : `it has ${options.join(', ')}`}`
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (isSecret(value)) return 'a secret'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  return typeof value === 'object' && value !== null
    ? 'an object'
    : typeof value === 'function'
      ? 'a function'
      : String(value)
}
