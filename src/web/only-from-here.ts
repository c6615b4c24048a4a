import type { FastifyRequest } from 'fastify'
import { RouseError } from '../model/errors.ts'

/**
 * Throws ROUSE_NOT_ALLOWED unless it is asked on the machine of the master, and not through a proxy that runs there: who may
 * log in there may read the config anyway, others are not told what is wrong in it. `url` is the page's public address.
 */
export function onlyFromHere(request: FastifyRequest, { url }: { url: string | undefined }): void {
  if (!isFromThisMachine(request))
    throw new RouseError('ROUSE_NOT_ALLOWED', 'this may be asked only on the machine of the master')
  if (cameByProxy(request, url))
    throw new RouseError(
      'ROUSE_NOT_ALLOWED',
      'this may be asked only on the machine of the master, and not through a proxy: ask at the address in `listen`',
    )
}

function isFromThisMachine({ socket }: FastifyRequest): boolean {
  const [remote, local] = [socket.remoteAddress, socket.localAddress].map((address) =>
    address?.replace(/^::ffff:/, ''),
  )
  return remote !== undefined && (loopback.test(remote) || remote === local)
}

// Also by one that says nothing of itself, if it passes on the name that it was asked by.
function cameByProxy({ headers, socket }: FastifyRequest, url: string | undefined): boolean {
  if (['forwarded', 'via', 'x-forwarded-for'].some((name) => headers[name] !== undefined)) return true
  if (url === undefined || headers.host === `${socket.localAddress}:${socket.localPort}`) return false
  const { hostname } = new URL(url)
  return new URL(`http://${headers.host}`).hostname === hostname && !loopback.test(hostname)
}

const loopback = /^127\.|^\[?::1\]?$|^localhost$/
