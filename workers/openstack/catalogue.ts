import type { Account } from './account.ts'
import type { Service } from './connection-options.ts'
import type { CatalogEntry, Session } from './identity.ts'

/** Where a service is, with its version; undefined: this cloud has none. Throws when it is not clear which region is meant. */
export function rootOf(
  service: Service,
  { catalog, projectId }: Session,
  account: Account,
): string | undefined {
  const given = account.endpoints[service]
  if (given !== undefined) return versioned(service, given, projectId)
  const { interface: side, region } = account
  const endpoints = typesOf[service]
    .map((type) =>
      catalog.filter((entry) => entry.type === type).flatMap((entry) => endpointsOf(entry, side)),
    )
    .find((found) => found.length > 0)
  if (!endpoints) return undefined
  const here = endpoints.filter((one) => region === undefined || one.region === region)
  const regions = [...new Set((here.length > 0 ? here : endpoints).map((one) => one.region))]
  if (here.length === 0)
    throw new Error(
      `region: the cloud has no ${service} service in "${region}", only in ${regions.join(', ')}`,
    )
  if (regions.length > 1) throw new Error(`region: the cloud has several, write one of ${regions.join(', ')}`)
  return versioned(service, here[0]!.url, projectId)
}

function endpointsOf({ endpoints = [] }: CatalogEntry, side: string) {
  return endpoints.flatMap(({ interface: of, region_id, region = region_id ?? '', url }) =>
    of?.replace(/URL$/, '') === side && url ? [{ region, url }] : [],
  )
}

/** Some catalogues name the version, others the root above it; the oldest of Cinder's want the project, too. */
function versioned(service: Service, url: string, projectId: string): string {
  const root = url.replace(/\/+$/, '')
  if (new RegExp(`/v\\d[\\d.]*(/[^/]+)?$`).test(root)) return root
  return service === 'volume' ? `${root}/v3/${projectId}` : `${root}${versions[service]}`
}

const versions: Readonly<Record<Service, string>> = {
  compute: '/v2.1',
  image: '/v2',
  network: '/v2.0',
  volume: '/v3',
}

const typesOf: Readonly<Record<Service, readonly string[]>> = {
  compute: ['compute'],
  image: ['image'],
  network: ['network'],
  volume: ['block-storage', 'volumev3', 'block-store'],
}
