import { DeliveryError } from '../delivery-error.ts'
import { oneLine } from '../plain-text.ts'
import type { MailSettings } from './settings.ts'

/** An error as nodemailer makes them. */
export interface MailFailure extends Error {
  readonly code?: string | undefined
  /** Of the system error below. */
  readonly originalCode?: string | undefined
  readonly command?: string | undefined
  /** What the relay said. */
  readonly response?: string | undefined
  readonly responseCode?: number | undefined
  /** Whom it refused, each with an error. */
  readonly rejectedErrors?: readonly MailFailure[] | undefined
  readonly recipient?: string | undefined
}

/** What went wrong with the relay, in words, and what a person can do about it. */
export function explainMailFailure(failure: MailFailure, settings: MailSettings): DeliveryError {
  const relay = `${settings.host}:${settings.port}`
  const { advice, message, worth } = explain(failure, settings, relay)
  return new DeliveryError(message, { cause: failure, worth: worth ?? 'later', ...(advice && { advice }) })
}

/** 'refused for eve@acme.example: 550 no such user' */
export function refusalOf({ recipient, response, message }: MailFailure): string {
  return `refused for ${oneLine(recipient ?? '?', 100)}: ${oneLine(response ?? message, 200)}`
}

/** It may be taken another time: greylisting, a full mailbox. */
export function isTemporary({ responseCode }: MailFailure): boolean {
  return responseCode === undefined || responseCode < 500 || responseCode > 599
}

interface Explanation {
  readonly message: string
  readonly advice?: string
  readonly worth?: 'later' | 'never'
}

function explain(failure: MailFailure, settings: MailSettings, relay: string): Explanation {
  const said = oneLine(failure.response ?? failure.message, 300)
  const rejected = failure.rejectedErrors ?? []
  if (failure.code === 'EABORT') return { message: `${relay} did not take the mail in time` }
  if (failure.code === 'EAUTH' || failure.code === 'ENOAUTH') return login(failure, relay, said)
  if (isTrouble(failure)) return connection(failure, settings, relay)
  if (rejected.length > 0)
    return {
      message: rejected.slice(0, 10).map(refusalOf).join('; '),
      advice:
        'Mend the addresses; where the relay speaks of relaying, it wants a login or does not know the sender.',
      worth: rejected.some(isTemporary) ? 'later' : 'never',
    }
  const worth = isTemporary(failure) ? 'later' : 'never'
  if (failure.command === 'MAIL FROM' && failure.responseCode !== undefined)
    return {
      message: `${relay} refused the sender ${settings.from.address}: ${said}`,
      advice: 'Give an address as `fromaddr` that the relay lets this master send from.',
      worth,
    }
  if (failure.responseCode === 552 || /size larger|too (?:big|large)|5\.3\.4/i.test(said))
    return {
      message: `${relay} finds the mail too large: ${said}`,
      advice: 'Lower `maxAttachmentSize` of the mail notifier.',
      worth: 'never',
    }
  return { message: `${relay} did not take the mail: ${said}`, worth }
}

function login({ code, responseCode }: MailFailure, relay: string, said: string): Explanation {
  if (code === 'ENOAUTH' || (responseCode !== undefined && [500, 502, 503, 504].includes(responseCode)))
    return {
      message: `${relay} takes no login here: ${said}`,
      advice:
        "Relays often take logins on port 587 with tls: 'starttls' only; without a login leave out `user`.",
    }
  return {
    message: `${relay} refused the login: ${said}`,
    advice:
      'Check `user` and `password`; accounts with a second factor need a password made for this program (an app password).',
  }
}

/** The connection, or what protects it. */
function isTrouble({ code = '', command, responseCode }: MailFailure): boolean {
  return (
    ['ECONNECTION', 'EDNS', 'ESOCKET', 'ETIMEDOUT', 'ETLS'].includes(code) ||
    (code === 'EPROTOCOL' && command === 'CONN' && responseCode === undefined)
  )
}

function connection(failure: MailFailure, { host, tls }: MailSettings, relay: string): Explanation {
  const cause = `${failure.originalCode ?? ''} ${failure.message}`
  const said = oneLine(failure.message, 300)
  if (failure.code === 'EDNS' || /ENOTFOUND|EAI_AGAIN/.test(cause))
    return { message: `${host} is not known to the DNS: ${said}`, advice: 'Check `relayhost`.' }
  if (/ECONNREFUSED/.test(cause))
    return {
      message: `nothing takes mail at ${relay}: the connection was refused`,
      advice: 'Start the relay, or name another as `relayhost` and `port`.',
    }
  if (/EHOSTUNREACH|ENETUNREACH/.test(cause))
    return { message: `${relay} cannot be reached: ${said}`, advice: 'Check the network and `relayhost`.' }
  if (/altname|ERR_TLS_CERT_ALTNAME_INVALID/i.test(cause))
    return {
      message: `the certificate of ${relay} is for another name: ${said}`,
      advice: 'Give the name in the certificate as `relayhost`.',
    }
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate has expired/.test(cause))
    return {
      message: `the certificate of ${relay} is out of date: ${said}`,
      advice: "Renew the relay's certificate.",
    }
  if (/self[- ]signed|UNABLE_TO_|unable to (?:verify|get)/i.test(cause))
    return {
      message: `the certificate of ${relay} is not trusted: ${said}`,
      advice: 'Give the certificate authority that signed it as `caFile`.',
    }
  if (/WRONG_VERSION_NUMBER|wrong version number|packet length too long/i.test(cause))
    return {
      message: `${relay} does not speak TLS from the first byte`,
      advice: "Use tls: 'starttls', mostly on port 587, or the port that speaks TLS at once, mostly 465.",
    }
  if (/greeting never received/i.test(cause) && tls !== 'implicit')
    return {
      message: `${relay} took the connection and said nothing`,
      advice: "A port that speaks TLS from the first byte (465) needs tls: 'implicit'.",
    }
  if (failure.code === 'ETLS' && failure.response !== undefined)
    return {
      message: `${relay} offers no STARTTLS: ${oneLine(failure.response)}`,
      advice: "Use tls: 'implicit' on port 465, or tls: 'none' where the way to the relay is safe.",
    }
  if (failure.code === 'ETIMEDOUT') return { message: `${relay} did not answer in time: ${said}` }
  return {
    message: `the connection to ${relay} failed: ${said}`,
    ...(failure.code === 'ETLS' && {
      advice: "Where the way to the relay is safe, tls: 'none' does without TLS.",
    }),
  }
}
