import type { FastifyRequest } from 'fastify'
import { version } from '../model/version.ts'
import { protocolVersion, subprotocol } from '../protocol/version.ts'

/** Why an agent and this master cannot talk, and which of them is to be upgraded; undefined when they can. */
export function versionSkew({ headers, ws }: FastifyRequest): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
  if (ws && offered.includes(subprotocol)) return undefined
  const versions = offered.flatMap(
    (name) => /^rouse\.agent\.v(\d{1,6})$/.exec(name)?.slice(1).map(Number) ?? [],
  )
  if (versions.length === 0)
    return `this master ${version} speaks WebSocket with the subprotocol ${subprotocol}`
  const theirs = Math.max(...versions)
  const agent = /^rouse-agent\/([\w.+-]{1,50})/.exec(headers['user-agent'] ?? '')?.[1] ?? 'of unknown version'
  const older = theirs < protocolVersion ? 'agent' : 'master'
  return `the agent ${agent} speaks protocol ${theirs}, this master ${version} protocol ${protocolVersion}: upgrade the ${older}`
}
