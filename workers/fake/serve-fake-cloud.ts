import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import { messageOf } from '../../src/model/errors.ts'
import type { FakeCloud } from './fake-cloud.ts'
import type { FakeTemplate } from './fake-machine.ts'

export interface ServedFakeCloud {
  readonly url: string
  close(): Promise<void>
}

/** Lets masters in other processes use a cloud of this one, on a loopback port. The cloud outlives them. */
export async function serveFakeCloud(cloud: FakeCloud): Promise<ServedFakeCloud> {
  const open = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const answered = answer(cloud, request, response)
      .catch(() => response.destroy())
      .then(() => void open.delete(answered))
    open.add(answered)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await Promise.all(open)
    },
  }
}

async function answer(cloud: FakeCloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Who has hung up does not wait any more; what was begun is done all the same.
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Error('the caller has hung up')))
  const say = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked
    say(200, { answer: await carryOut(cloud, request.url ?? '', body, gone.signal) })
  } catch (error) {
    const code = error instanceof BackendError ? error.code : undefined
    say(500, { code, message: messageOf(error) })
  }
}

interface Asked {
  readonly id: string
  readonly cluster: string
  readonly spec: InstanceSpec<FakeTemplate>
  readonly image: ImageStamp
  readonly from: string
  readonly ref: string
}

async function carryOut(cloud: FakeCloud, path: string, asked: Asked, signal: AbortSignal): Promise<unknown> {
  const { cluster, from, id, image, ref, spec } = asked
  switch (path) {
    case '/start':
      return cloud.start(spec, cluster, signal)
    case '/stop':
      return cloud.stop(id, cluster, signal)
    case '/seal':
      return cloud.seal(id, cluster, signal)
    case '/reset':
      return cloud.reset(spec, cluster, signal)
    case '/park':
      return cloud.park(id, cluster, signal)
    case '/list':
      return cloud.list(signal)
    case '/identify':
      return cloud.identify(from, signal)
    case '/keep':
      return cloud.keep(id, image, cluster, signal)
    case '/images':
      return cloud.listImages(cluster, signal)
    case '/remove-image':
      return cloud.removeImage(ref, signal)
    default:
      throw new Error(`${path} is nothing that a fake cloud does`)
  }
}
