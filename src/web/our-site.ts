import type { FastifyRequest } from 'fastify'
import { RouseError } from '../model/errors.ts'
import type { App } from './app.ts'

export interface OurSite {
  /** The page's public address, if the config has one. */
  readonly url: string | undefined
  readonly listenHost: string
}

/**
 * Any website can make a browser ask 127.0.0.1. So a request must name us by a name that is ours (a name that another
 * site lets point here, "DNS rebinding", is not), and a request that a page sends must come from our own page.
 */
export function onlyOurSite(app: App, site: OurSite): void {
  const publicUrl = site.url === undefined ? undefined : new URL(site.url)
  const names = new Set(['localhost', bracketed(site.listenHost).toLowerCase()])
  if (publicUrl) names.add(publicUrl.hostname)

  app.addHook('onRequest', async (request) => {
    // Agents come by any name; what they send with every request is their password, and what they fetch is no secret.
    if (/^\/agent(\/|$)/.test(request.routeOptions.url ?? '')) return
    const { host = '', origin } = request.headers
    const name = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]]+)(:\d{1,5})?$/.exec(host.toLowerCase())?.[1]
    if (name === undefined || !(names.has(name) || isLoopback(name) || isOwnAddress(name, request)))
      throw new RouseError(
        'ROUSE_ORIGIN_REFUSED',
        `the host name "${host.slice(0, 100)}" is not one of this master's`,
      )
    if (origin === undefined || isOrigin(origin, host) || origin === publicUrl?.origin) return
    throw new RouseError(
      'ROUSE_ORIGIN_REFUSED',
      `a page of "${origin.slice(0, 100)}" may not use this master`,
    )
  })
}

function isOrigin(origin: string, host: string): boolean {
  return origin === `http://${host.toLowerCase()}` || origin === `https://${host.toLowerCase()}`
}

function isLoopback(name: string): boolean {
  return name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
}

// A listener on 0.0.0.0 is reached under every address of the machine. Names can be rebound, addresses cannot.
function isOwnAddress(name: string, request: FastifyRequest): boolean {
  const address = request.socket.localAddress
  return address !== undefined && name === bracketed(address.replace(/^::ffff:/, ''))
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}
