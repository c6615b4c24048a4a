import { OpenStackRefusal } from './fake-fault.ts'
import type { FakeFloatingIp, FakeOpenStack, Route } from './fake-openstack.ts'
import { page } from './page.ts'

/** Neutron and Cinder. */
export const otherRoutes: readonly Route[] = [
  {
    action: 'listNetworks',
    method: 'GET',
    path: /^\/network\/v2\.0\/networks$/,
    act(cloud, { url: { searchParams } }) {
      const name = searchParams.get('name')
      const external = searchParams.get('router:external') === 'true'
      const networks = cloud.networks.filter(
        (one) => (name === null || one.name === name) && (!external || one.external),
      )
      return { status: 200, body: { networks } }
    },
  },
  {
    action: 'listPorts',
    method: 'GET',
    path: /^\/network\/v2\.0\/ports$/,
    act(_, { url }) {
      const ports = [{ id: `port-of-${url.searchParams.get('device_id')}`, fixed_ips: [{}] }]
      return { status: 200, body: { ports } }
    },
  },
  {
    action: 'listFloatingIps',
    method: 'GET',
    path: /^\/network\/v2\.0\/floatingips$/,
    act(cloud, { url }) {
      const found = [...cloud.floatingIps.values()].filter((ip) =>
        (['description', 'floating_ip_address'] as const).every(
          (key) => !url.searchParams.has(key) || ip[key] === url.searchParams.get(key),
        ),
      )
      const { entries, links } = page(cloud, found, url)
      return { status: 200, body: { floatingips: entries, ...(links && { floatingips_links: links }) } }
    },
  },
  {
    action: 'createFloatingIp',
    method: 'POST',
    path: /^\/network\/v2\.0\/floatingips$/,
    act(cloud, { body }) {
      const id = cloud.uuid()
      const made = {
        ...(body.floatingip as FakeFloatingIp),
        id,
        floating_ip_address: `198.51.100.${cloud.floatingIps.size + 1}`,
      }
      cloud.floatingIps.set(id, made)
      return { status: 201, body: { floatingip: made } }
    },
  },
  {
    action: 'updateFloatingIp',
    method: 'PUT',
    path: /^\/network\/v2\.0\/floatingips\/([^/]+)$/,
    act(cloud, { body }, { id }) {
      const ip = cloud.floatingIps.get(id)
      if (!ip) throw new OpenStackRefusal(404, `Floating IP ${id} could not be found`)
      ip.port_id = (body.floatingip as FakeFloatingIp).port_id
      return { status: 200, body: { floatingip: ip } }
    },
  },
  {
    action: 'deleteFloatingIp',
    method: 'DELETE',
    path: /^\/network\/v2\.0\/floatingips\/([^/]+)$/,
    act: (cloud, _, { id }) => removed(cloud.floatingIps, id),
  },
  {
    action: 'listVolumes',
    method: 'GET',
    path: /^\/volume\/v3\/p1\/volumes\/detail$/,
    act(cloud, { url }) {
      const { entries, links } = page(cloud, [...cloud.volumes.values()], url)
      return { status: 200, body: { volumes: entries, ...(links && { volumes_links: links }) } }
    },
  },
  {
    action: 'stampVolume',
    method: 'POST',
    path: /^\/volume\/v3\/p1\/volumes\/([^/]+)\/metadata$/,
    act(cloud: FakeOpenStack, { body }, { id }) {
      const volume = cloud.volumes.get(id)
      if (!volume) throw new OpenStackRefusal(404, `Volume ${id} could not be found.`)
      Object.assign(volume.metadata, body.metadata)
      return { status: 200, body: { metadata: volume.metadata } }
    },
  },
  {
    action: 'deleteVolume',
    method: 'DELETE',
    path: /^\/volume\/v3\/p1\/volumes\/([^/]+)$/,
    act: (cloud, _, { id }) => removed(cloud.volumes, id),
  },
]

function removed(all: Map<string, unknown>, id: string) {
  if (!all.delete(id)) throw new OpenStackRefusal(404, `${id} could not be found.`)
  return { status: 202 }
}
