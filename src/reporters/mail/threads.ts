import { createHash } from 'node:crypto'
import type { Site } from '../reporter.ts'
import { plainDomain } from './addresses.ts'

/** Message-IDs and List-Ids. Mails of one thread refer to a message that never was, named after what they are about. */
export function threadOf(site: Site, ...names: readonly (string | null)[]): string {
  const digest = createHash('sha256').update(JSON.stringify([site.url, ...names]))
  return digest.digest('hex').slice(0, 32)
}

/** The same on every try, because the message's id is. */
export function messageId(id: string, domain: string): string {
  const plain = /^[\w.-]{1,100}$/.test(id) ? id : createHash('sha256').update(id).digest('hex')
  return `<${plain}.rouse@${domain}>`
}

/** `<unit.builders.ci.acme.example>`, for the rules that people sort their mail by. */
export function listId(site: Site, kind: 'builders' | 'buildsets' | 'workers', name = ''): string {
  const host = URL.canParse(site.url) ? new URL(site.url).hostname.replaceAll(/[[\]:]/g, '-') : ''
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z\d-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
  return `<${[label, kind, plainDomain(host) ?? 'localhost'].filter(Boolean).join('.')}>`
}
