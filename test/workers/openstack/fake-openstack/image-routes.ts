import { imageJson, imagesAt } from './fake-image.ts'
import { OpenStackRefusal } from './fake-fault.ts'
import type { FakeAnswer, FakeOpenStack, FakeRequest, Route } from './fake-openstack.ts'
import { page } from './page.ts'

/** Glance, and what Nova does for images. */
export const imageRoutes: readonly Route[] = [
  {
    action: 'listImages',
    method: 'GET',
    path: /^\/image\/v2\/images$/,
    act(cloud, { url }) {
      const now = cloud.clock.now()
      const asked = [...url.searchParams].filter(([key]) => key !== 'limit' && key !== 'marker')
      const found = imagesAt(cloud.images, now)
        .map((image) => imageJson(image, now) as Record<string, string> & { id: string })
        .filter((image) => asked.every(([key, value]) => image[key] === value))
      const { entries, links } = page(cloud, found, url)
      return { status: 200, body: { images: entries, ...(links && { next: '/v2/images?marker=x' }) } }
    },
  },
  {
    action: 'getImage',
    method: 'GET',
    path: /^\/image\/v2\/images\/([^/]+)$/,
    act(cloud, _, { id }) {
      const now = cloud.clock.now()
      const image = imagesAt(cloud.images, now).find((one) => one.id === id)
      if (!image) throw new OpenStackRefusal(404, `No image found with ID ${id}`)
      return { status: 200, body: imageJson(image, now) }
    },
  },
  {
    action: 'deleteImage',
    method: 'DELETE',
    path: /^\/image\/v2\/images\/([^/]+)$/,
    act(cloud, _, { id }) {
      const index = cloud.images.findIndex((one) => one.id === id)
      if (index < 0) throw new OpenStackRefusal(404, `No image found with ID ${id}`)
      cloud.images.splice(index, 1)
      return { status: 204 }
    },
  },
  {
    action: 'stopServer',
    method: 'POST',
    path: /^\/compute\/v2\.1\/servers\/([^/]+)\/action#os-stop$/,
    act(cloud, _, { fault, id }) {
      const { server, now } = idle(cloud, id)
      if (server.stateAt(now)!.status !== 'ACTIVE')
        throw new OpenStackRefusal(409, `Cannot 'stop' instance ${id} while it is in vm_state stopped`)
      if (fault.stuck) return { status: 202 }
      server.stop(now + (cloud.o.stopMs ?? 0))
      return { status: 202 }
    },
  },
  {
    action: 'createImage',
    method: 'POST',
    path: /^\/compute\/v2\.1\/servers\/([^/]+)\/action#createImage$/,
    act(cloud, request, { fault, id }): FakeAnswer {
      const { server, now } = idle(cloud, id)
      if (server.stateAt(now)!.status !== 'SHUTOFF')
        throw new OpenStackRefusal(409, `${id} runs: what is on its disk is not whole`)
      const { metadata, name } = request.body.createImage as CreateImage
      const base = cloud.images.find((image) => image.id === server.image)
      const readyAt = now + (cloud.o.imageMs ?? 0)
      const made = {
        owner: 'p1',
        // As Nova does it.
        properties: { ...base?.made?.properties, image_type: 'snapshot', ...metadata },
        server,
        at: now,
        readyAt,
        failure: fault.stuck ? ('queued' as const) : (fault.crash as 'killed' | 'removed' | undefined),
      }
      const image = { id: cloud.uuid(), name, status: '', made }
      cloud.images.push(image)
      server.busy = { task: 'image_uploading', until: readyAt }
      if (minorOf(request) >= 45) return { status: 202, body: { image_id: image.id } }
      return { status: 202, headers: { location: `http://inside.invalid/v2/images/${image.id}` } }
    },
  },
]

function idle(cloud: FakeOpenStack, id: string) {
  const now = cloud.clock.now()
  const server = cloud.servers.get(id)
  const task = server?.stateAt(now)?.task
  if (!server || task === undefined) throw new OpenStackRefusal(404, `Instance ${id} could not be found.`)
  if (task) throw new OpenStackRefusal(409, `Cannot do that while the instance is in task_state ${task}`)
  return { server, now }
}

function minorOf({ headers }: FakeRequest): number {
  return Number(/2\.(\d+)$/.exec(String(headers['openstack-api-version'] ?? 'compute 2.1'))?.[1])
}

interface CreateImage {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}
