import { createReadStream } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RouseError } from '../../model/errors.ts'
import type { App } from '../app.ts'
import { installScript } from '../install-script.ts'
import type { ServedNode, WebServices } from '../services.ts'

/** The agent itself, and a Node.js for machines that have none. None of it is secret. `agents`: they may connect here, too. */
export function agentDownloads(
  app: App,
  { agentBundle, agentsUrl, nodeRuntime, url }: WebServices,
  { agents }: { agents: boolean },
): void {
  const schema = { hide: true }

  app.get('/agent/rouse-agent.mjs', { schema }, async (request, reply) => {
    const { bytes, sha256 } = await agentBundle()
    reply.headers({ etag: `"${sha256}"`, 'cache-control': 'no-cache', 'rouse-agent-sha256': sha256 })
    if (isKnown(request, sha256)) return await reply.code(304).send()
    return await reply.type('text/javascript; charset=utf-8').send(bytes)
  })

  app.get('/agent/rouse-agent.mjs.sha256', { schema }, async (_request, reply) => {
    const { sha256 } = await agentBundle()
    return await plain(reply).send(`${sha256}  rouse-agent.mjs\n`)
  })

  app.get('/agent/install.sh', { schema }, async (request, reply) => {
    const { sha256 } = await agentBundle()
    const master = agents ? masterOf(request.headers.host, url) : readable(agentsUrl)
    return await plain(reply).send(installScript({ master, sha256, node: await nodeRuntime() }))
  })

  app.get('/agent/node-:machine', { schema }, async (request, reply) => {
    const { machine } = request.params as { machine: string }
    const node = await nodeFor(machine)
    reply.headers({ etag: `"${node.sha256}"`, 'cache-control': 'no-cache', 'rouse-node-libc': node.libc })
    if (isKnown(request, node.sha256)) return await reply.code(304).send()
    reply.type('application/octet-stream').header('content-length', node.size)
    return await reply.send(createReadStream(node.file))
  })

  app.get('/agent/node-:machine.sha256', { schema }, async (request, reply) => {
    const { machine, sha256 } = await nodeFor((request.params as { machine: string }).machine)
    return await plain(reply).send(`${sha256}  node-${machine}\n`)
  })

  async function nodeFor(machine: string): Promise<ServedNode> {
    const node = await nodeRuntime()
    if (node?.machine === machine) return node
    const held = node ? `only the one for ${node.machine} (${node.libc})` : 'none'
    throw new RouseError('ROUSE_NOT_FOUND', `no Node.js for ${machine.slice(0, 50)} here, ${held}`, {
      advice: 'Install Node.js 20 or newer on that machine.',
    })
  }
}

function plain(reply: FastifyReply): FastifyReply {
  return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache')
}

function isKnown({ headers }: FastifyRequest, sha256: string): boolean {
  const known = headers['if-none-match']
  return known !== undefined && (known.trim() === '*' || known.includes(`"${sha256}"`))
}

/**
 * How the one who asks reaches this master: as it just did, or by the public address when it came by that name. Undefined when
 * that may not stand in a script.
 */
function masterOf(host: string | undefined, url: string | undefined): string | undefined {
  if (url !== undefined && new URL(url).host === host?.toLowerCase()) return readable(url)
  return host !== undefined && /^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/.test(host)
    ? `http://${host}`
    : undefined
}

// Of plain characters only. A socket of this machine is no address for others.
function readable(url: string | undefined): string | undefined {
  return url !== undefined && /^(http|ws)s?:[\w.:[\]~%/-]+$/.test(url) ? url.replace(/\/$/, '') : undefined
}
