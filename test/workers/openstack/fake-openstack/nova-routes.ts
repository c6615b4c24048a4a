import { statusAt } from './fake-image.ts'
import { OpenStackRefusal, type OpenStackFault } from './fake-fault.ts'
import type { FakeOpenStack, FakeRequest, Route } from './fake-openstack.ts'
import { FakeServer } from './fake-server.ts'
import { page } from './page.ts'

const version = (cloud: FakeOpenStack) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: `2.${cloud.o.microversion ?? 93}`,
  min_version: '2.1',
})

export const novaRoutes: readonly Route[] = [
  {
    action: 'version',
    method: 'GET',
    path: /^\/compute\/v2\.1\/$/,
    open: true,
    act: (cloud) => ({ status: 200, body: { version: version(cloud) } }),
  },
  {
    action: 'listServers',
    method: 'GET',
    path: /^\/compute\/v2\.1\/servers\/detail$/,
    act(cloud, { url }) {
      const now = cloud.listedAt
      const shown = [...cloud.servers.values()].filter((one) => one.o.shownAt <= now && one.stateAt(now))
      const all = shown.toReversed().map((server) => ({ id: server.ref, server }))
      const { entries, links } = page(cloud, all, url)
      const servers = entries.map(({ server }) => server.asJson(now, { listed: true }))
      return { status: 200, body: { servers, ...(links && { servers_links: links }) } }
    },
  },
  {
    action: 'getServer',
    method: 'GET',
    path: /^\/compute\/v2\.1\/servers\/([^/]+)$/,
    act(cloud, _, { id }) {
      const server = cloud.servers.get(id)
      const now = cloud.clock.now()
      if (!server?.stateAt(now)) throw new OpenStackRefusal(404, `Instance ${id} could not be found.`)
      return { status: 200, body: { server: server.asJson(now) } }
    },
  },
  {
    action: 'createServer',
    method: 'POST',
    path: /^\/compute\/v2\.1\/servers$/,
    act(cloud, request, { fault }) {
      const made = create(cloud, request, fault)
      if (fault.twice) create(cloud, request, fault)
      return { status: 202, body: { server: { id: made.ref, adminPass: 'never-to-be-seen' } } }
    },
  },
  {
    action: 'deleteServer',
    method: 'DELETE',
    path: /^\/compute\/v2\.1\/servers\/([^/]+)$/,
    act(cloud, _, { fault, id }) {
      const server = cloud.servers.get(id)
      const now = cloud.clock.now()
      if (!server?.stateAt(now)) throw new OpenStackRefusal(404, `Instance ${id} could not be found.`)
      if (server.goneAt === Infinity) server.end(now, fault.stuck ? Infinity : now + (cloud.o.deleteMs ?? 0))
      for (const volume of server.o.volumes) cloud.volumes.delete(volume)
      return { status: 204 }
    },
  },
  {
    action: 'listFlavors',
    method: 'GET',
    path: /^\/compute\/v2\.1\/flavors$/,
    act: (cloud, { url }) => {
      const { entries, links } = page(cloud, cloud.flavors, url)
      return { status: 200, body: { flavors: entries, ...(links && { flavors_links: links }) } }
    },
  },
  {
    action: 'listServerGroups',
    method: 'GET',
    path: /^\/compute\/v2\.1\/os-server-groups$/,
    act: (cloud) => ({ status: 200, body: { server_groups: cloud.serverGroups } }),
  },
]

function create(cloud: FakeOpenStack, request: FakeRequest, fault: OpenStackFault): FakeServer {
  const { bootMs = 0, placeMs = 0, quota = Infinity } = cloud.o
  const server = request.body.server as ServerRequest
  const minor = Number(
    /2\.(\d+)$/.exec(String(request.headers['openstack-api-version'] ?? 'compute 2.1'))?.[1],
  )
  refuseMistakes(cloud, server, minor)
  const used = cloud.present.length
  if (used >= quota)
    throw new OpenStackRefusal(
      403,
      `Quota exceeded for instances: Requested 1, but already used ${used} of ${quota} instances`,
    )
  const now = cloud.clock.now()
  const volumes = (server.block_device_mapping_v2 ?? []).map(() => {
    const volume = { id: cloud.uuid(), status: 'in-use', metadata: {} }
    cloud.volumes.set(volume.id, volume)
    return volume.id
  })
  const made = new FakeServer({
    ref: cloud.uuid(),
    name: server.name,
    flavor: cloud.flavors.find(({ id }) => id === server.flavorRef)!.name,
    zone: server.availability_zone ?? 'nova',
    metadata: server.metadata,
    request: request.body,
    userData: Buffer.from(server.user_data, 'base64').toString(),
    volumes,
    createdAt: now,
    placedAt: fault.stuck ? Infinity : now + placeMs,
    runsAt: fault.stuck ? Infinity : now + placeMs + bootMs,
    shownAt: now + (fault.lateBy ?? 0),
  })
  cloud.servers.set(made.ref, made)
  const crash = cloud.full.has(server.flavorRef)
    ? 'No valid host was found. There are not enough hosts available.'
    : server.availability_zone === 'abort'
      ? `Build of instance ${made.ref} aborted: the zone does so`
      : fault.crash
  if (crash === undefined) cloud.power(made)
  else made.fail(now + placeMs, crash)
  return made
}

function refuseMistakes(cloud: FakeOpenStack, server: ServerRequest, minor: number): void {
  const refuse = (status: number, message: string): never => {
    throw new OpenStackRefusal(status, message)
  }
  const image = server.imageRef ?? server.block_device_mapping_v2?.[0]?.uuid
  const now = cloud.clock.now()
  if (!cloud.images.some((one) => one.id === image && statusAt(one, now) === 'active'))
    refuse(400, `Can not find requested image`)
  if (!cloud.flavors.some(({ id }) => id === server.flavorRef))
    refuse(400, `Flavor ${server.flavorRef} could not be found.`)
  if (server.key_name !== undefined && server.key_name !== 'ci') refuse(400, 'Invalid key_name provided.')
  if (!['nova', 'az1', 'abort', undefined].includes(server.availability_zone))
    refuse(400, 'The requested availability zone is not available')
  if (minor >= 37 && server.networks === undefined)
    refuse(400, "Invalid input: 'networks' is a required property")
  if (minor < 37 && typeof server.networks === 'string') refuse(400, 'Invalid input for networks')
  if (Object.values(server.metadata).some((value) => Buffer.byteLength(value) > 255))
    refuse(400, 'metadata is too long')
}

interface ServerRequest {
  readonly name: string
  readonly imageRef?: string
  readonly flavorRef: string
  readonly metadata: Readonly<Record<string, string>>
  readonly user_data: string
  readonly networks?: unknown
  readonly key_name?: string
  readonly availability_zone?: string
  readonly block_device_mapping_v2?: readonly { readonly uuid: string }[]
}
