import type { Urgency } from '../../src/util/call-rate.ts'
import type { Service } from './connection-options.ts'
import type { OpenStackApi } from './openstack-api.ts'

interface PagesOptions {
  readonly service: Service
  readonly path: string
  /** Of the list in the answer: 'servers'. */
  readonly key: string
  readonly urgency: Urgency
  readonly signal: AbortSignal
  /** The turn of a page has come. */
  readonly sent?: () => void
}

/** A whole list, page by page: the last id of a page is the marker of the next one. */
export async function pages<T extends { readonly id: string }>(
  api: OpenStackApi,
  { key, path, sent = () => {}, service, signal, urgency }: PagesOptions,
): Promise<T[]> {
  const all = new Map<string, T>()
  for (let marker = ''; ;) {
    const query = `${path.includes('?') ? '&' : '?'}${marker && `marker=${encodeURIComponent(marker)}&`}limit=${pageSize}`
    const answer: unknown = await api.call({
      service,
      method: 'GET',
      path: path + query,
      urgency,
      signal,
      sent,
    })
    const fields = Object(answer) as Record<string, unknown>
    const page = fields[key]
    if (!Array.isArray(page)) throw new Error(`GET ${path}: the answer has no "${key}"`)
    const before = all.size
    for (const one of page as T[]) all.set(one.id, one)
    // A cloud may give fewer than it is asked for, and says by a link that there are more. Some know no pages and begin again.
    if (all.size === before || !(page.length >= pageSize || hasNext(fields, key))) return [...all.values()]
    marker = (page as T[]).at(-1)!.id
  }
}

/** Nova, Neutron and Cinder have `servers_links`, Glance has `next`. */
function hasNext(answer: Readonly<Record<string, unknown>>, key: string): boolean {
  const links = answer[`${key}_links`]
  if (Array.isArray(links)) return (links as { rel?: string }[]).some(({ rel }) => rel === 'next')
  return typeof answer.next === 'string'
}

const pageSize = 1000
