import type { FakeOpenStack } from './fake-openstack.ts'
import { OpenStackRefusal } from './fake-fault.ts'

/** The page of a list that a request asks for. The link names a host that nobody reaches, as behind a proxy. */
export function page<T extends { readonly id: string }>(
  cloud: FakeOpenStack,
  all: readonly T[],
  { pathname, searchParams }: URL,
): { entries: readonly T[]; links?: readonly { rel: string; href: string }[] } {
  const marker = searchParams.get('marker')
  const begin = marker === null ? 0 : all.findIndex(({ id }) => id === marker) + 1
  if (marker !== null && begin === 0) throw new OpenStackRefusal(400, `marker [${marker}] not found`)
  const size = Math.min(Number(searchParams.get('limit') ?? 1000), cloud.o.pageSize ?? 1000)
  const entries = all.slice(begin, begin + size)
  if (begin + size >= all.length) return { entries }
  return {
    entries,
    links: [{ rel: 'next', href: `http://inside.invalid${pathname}?marker=${entries.at(-1)!.id}` }],
  }
}
