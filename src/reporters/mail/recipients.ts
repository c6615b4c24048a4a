import { messageOf } from '../../model/errors.ts'
import { withDeadline } from '../../util/with-deadline.ts'
import { DeliveryError } from '../delivery-error.ts'
import type { RequestFacts } from '../facts.ts'
import { oneLine } from '../plain-text.ts'
import { distinct, parseAddress, type Address } from './addresses.ts'
import type { MailSettings } from './settings.ts'

export interface Recipients {
  readonly to: readonly Address[]
  /** Why somebody is not among them, in sentences. */
  readonly notes: string[]
}

/** Who gets a mail about these requests: the extra recipients, and who has an interest in them. */
export async function recipientsOf(
  settings: MailSettings,
  requests: readonly RequestFacts[],
  signal: AbortSignal,
): Promise<Recipients> {
  const notes: string[] = []
  const found = [...settings.extraRecipients]
  for (const person of interested(settings, requests)) {
    try {
      const address = await addressOf(settings, person, signal)
      if (address) found.push(address)
    } catch (error) {
      signal.throwIfAborted()
      notes.push(`For ${oneLine(person, 100)} there is no address: ${oneLine(messageOf(error), 200)}.`)
    }
  }
  const to = distinct(found)
  // Nobody would hear of it, and the next time the lookup may know.
  if (to.length === 0 && notes.length > 0) throw new DeliveryError(notes.join(' '), { advice })
  return { to, notes }
}

function interested({ toAuthors, toOwners }: MailSettings, requests: readonly RequestFacts[]): string[] {
  const authors = toAuthors
    ? requests.flatMap(({ changes }) => changes.flatMap(({ author }) => author ?? []))
    : []
  const owners = toOwners ? requests.flatMap((request) => request.owners) : []
  return [...new Set([...authors, ...owners])].slice(0, maxPeople)
}

async function addressOf(
  { clock, lookup }: MailSettings,
  person: string,
  signal: AbortSignal,
): Promise<Address | undefined> {
  if (typeof lookup === 'function') {
    const found = await withDeadline(async () => lookup(person), { clock, ms: lookupPatience, signal })
    if (found === undefined || found === null) return undefined
    const address = parseAddress(found)
    if (!address) throw new Error('lookup gave something that is no address')
    return address
  }
  const given = parseAddress(person)
  if (given || lookup === undefined) return given
  return parseAddress(`${person.trim()}@${lookup}`)
}

const advice = 'Mend the function `lookup` of the mail notifier, or name extraRecipients.'
const lookupPatience = 10_000
const maxPeople = 100
