import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { instanceToken } from '../../src/latent/token.ts'
import type { Provider } from '../crash-matrix/provider.ts'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { RealOpenStack, isLiving } from './real-openstack.ts'

/** The real Nova behind a proxy that sees each call; the agents of its servers run here, since nothing need boot in them. */
export async function startRealOpenStackProvider(onEnd: OnEnd): Promise<Provider> {
  const cloud = await RealOpenStack.open()
  onEnd(async () => cloud.close())
  const { flavor, image } = await cloud.template()
  const target = await cloud.computeRoot()
  let master: MasterProcess | undefined
  const made = new Set<string>()
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    const { headers, method = 'GET', url = '/' } = request
    const body = Buffer.concat(await request.toArray())
    const name = nameOf(method, url)
    provider.witness(name, 'before')
    const kept = [
      'x-auth-token',
      'openstack-api-version',
      'x-openstack-nova-api-version',
      'content-type',
      'accept',
    ]
    const answer = await fetch(`${target}${url}`, {
      method,
      headers: Object.fromEntries(kept.flatMap((key) => (headers[key] ? [[key, String(headers[key])]] : []))),
      ...(body.length > 0 && { body }),
    })
    const text = await answer.text()
    if (name === 'createServer' && answer.status === 202)
      made.add((JSON.parse(text) as { server: { id: string } }).server.id)
    provider.witness(name, 'after')
    const told = Object.fromEntries(
      ['content-type', 'x-openstack-request-id', 'retry-after'].flatMap((key) => {
        const value = answer.headers.get(key)
        return value === null ? [] : [[key, value]]
      }),
    )
    response.writeHead(answer.status, told).end(text)
  }
  const open = new Set<Promise<void>>()
  const proxy = createServer((request, response) => {
    const done = forward(request, response).catch(() => void request.socket.destroy())
    open.add(done)
    void done.finally(() => open.delete(done))
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onEnd(async () => {
    proxy.close()
    proxy.closeAllConnections()
    await Promise.all(open)
  })
  const living = async () => (await cloud.machines()).filter((one) => made.has(one.id) && isLiving(one))

  const over = new AbortController()
  const agents = new Map<string, (() => Promise<unknown>)[]>()
  const play = async () => {
    while (!over.signal.aborted) {
      const servers = await living().catch(() => undefined)
      for (const { id, metadata, status } of servers ?? []) {
        if (status !== 'ACTIVE' || agents.has(id) || !master) continue
        const ends: (() => Promise<unknown>)[] = []
        agents.set(id, ends)
        const instance = metadata['rouse.instance']!
        const key = await readFile(join(master.dir, 'rouse-data/cluster.key'))
        await master.agent(instance, instanceToken(key, instance, 1), {
          command: [
            process.execPath,
            '--conditions=source',
            join(root, 'src/cli.ts'),
            'worker',
            '--instance',
          ],
          onEnd: (end) => ends.unshift(end),
        })
      }
      if (servers) {
        const left = new Set(servers.map(({ id }) => id))
        for (const [id, ends] of agents) if (!left.has(id)) for (const end of ends.splice(0)) await end()
      }
      await delay(200)
    }
    for (const ends of agents.values()) for (const end of ends) await end()
  }
  const playing = play()
  onEnd(async () => {
    over.abort()
    await playing
  })
  const provider: Provider = {
    worker: `
const { openstackWorker } = await import('rouse/workers/openstack')
const worker = openstackWorker('dock', {
  listLag: 2,
  image: '${image}',
  flavor: '${flavor}',
  endpoints: { compute: 'http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v2.1' },
  agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
  buildWaitTimeout: 0,
})`,
    witness: () => {},
    machines: async () => (await living()).length,
    made: () => made.size,
    attachTo: (to) => void (master = to),
    cut: () => proxy.closeAllConnections(),
  }
  return provider
}

function nameOf(method: string, url: string): string {
  const { pathname } = new URL(url, 'http://proxy')
  if (method === 'POST') return 'createServer'
  if (method === 'DELETE') return 'deleteServer'
  return pathname.endsWith('/servers/detail') ? 'list' : `GET ${pathname.split('/')[2]}`
}
