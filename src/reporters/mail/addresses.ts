import { domainToASCII } from 'node:url'
import { oneLine } from '../plain-text.ts'

export interface Address {
  /** '' when there is none. */
  readonly name: string
  readonly address: string
}

/** 'ada@acme.example' or 'Ada <ada@acme.example>'; undefined when it is neither, so that nothing else gets into a header. */
export function parseAddress(text: unknown): Address | undefined {
  if (typeof text !== 'string' || text.length > 500 || /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text))
    return undefined
  const [, name = '', framed, bare] = /^\s*(?:([^<>]*)<([^<>\s]+)>|([^<>\s]+))\s*$/.exec(text) ?? []
  const address = plainAddress(framed ?? bare ?? '')
  return address === undefined ? undefined : { name: oneLine(name.replaceAll('"', ''), 100), address }
}

/** One of each, however it is spelled; the first 100. */
export function distinct(addresses: readonly Address[]): Address[] {
  const byAddress = new Map<string, Address>()
  for (const one of addresses) {
    const key = one.address.toLowerCase()
    if (!byAddress.has(key)) byAddress.set(key, one)
  }
  return [...byAddress.values()].slice(0, maxRecipients)
}

/** The domain in the form that mail uses; undefined when it is none. */
export function plainDomain(domain: string): string | undefined {
  const ascii = /^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii.length <= 253 && /^[a-z\d](?:[a-z\d-]{0,62})(?:\.[a-z\d](?:[a-z\d-]{0,62}))*$/i.test(ascii)
    ? ascii
    : undefined
}

function plainAddress(text: string): string | undefined {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  const domain = plainDomain(text.slice(at + 1))
  const isLocal = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local) && local.length <= 64
  return at > 0 && isLocal && domain ? `${local}@${domain}` : undefined
}

const maxRecipients = 100
