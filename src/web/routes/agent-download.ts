import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { installScript } from '../install-script.ts'
import type { WebServices } from '../services.ts'

/** The agent itself, for machines that have only Node.js. None of it is secret. `agents`: they may connect here, too. */
export function agentDownloads(
  app: App,
  { agentBundle, agentsUrl, url }: WebServices,
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
    return await plain(reply).send(installScript({ master, sha256 }))
  })
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
