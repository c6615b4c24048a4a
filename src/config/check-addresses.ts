import { isIP } from 'node:net'
import { errorCatalogue } from '../model/errors.ts'
import { check, listOf, optional, options, path, type Check } from './checks.ts'
import { defaults } from './defaults.ts'
import { isLoopback } from './is-loopback.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { Place } from './place.ts'
import { show } from './show.ts'
import type { AgentsConfig, ListenAddress, SocketAddress } from './types.ts'

export const checkListen = options<ListenAddress>('an address', {
  host: check('an IP address or a host name', isHost),
  port: check(
    'a port from 1 to 65535, or 0 for any free one',
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535,
  ),
})

const checkSocket = options<SocketAddress>('a socket', { path })

const checkAgentsUrl = urlOf(['ws:', 'wss:'], "the URL agents connect to, such as 'ws://172.17.0.1:8011'")

export const checkAgents = options<AgentsConfig>('agents', {
  listen: optional(
    listOf('address', (value, place) =>
      isPlainObject(value) && 'path' in value ? checkSocket(value, place) : checkListen(value, place),
    ),
  ),
  url: optional((value, place) => (isSocketUrl(value) ? undefined : checkAgentsUrl(value, place))),
})

export const checkPageUrl = urlOf(['http:', 'https:'], "the page's URL, such as 'https://ci.example.com/'")

/** No address may have two listeners, and none may open the page to others before `auth` says who they are. */
export function checkAddresses(config: Record<string, unknown>, root: Place): void {
  const listen = isPlainObject(config.listen) ? config.listen : defaults.listen
  const more = isPlainObject(config.agents) && Array.isArray(config.agents.listen) ? config.agents.listen : []

  const taken: [string, ListenAddress | SocketAddress][] = []
  for (const [index, address] of [listen, ...(more as unknown[])].entries()) {
    if (!isAddress(address) && !isSocket(address)) continue
    const place =
      index === 0
        ? root.key('listen')
        : root
            .key('agents')
            .key('listen')
            .index(index - 1)
    const [other] = taken.find(([, earlier]) => overlap(earlier, address)) ?? []
    const what = 'path' in address ? show(address.path) : `${show(address.host)} port ${address.port}`
    if (other) place.say(`${what} is taken by ${other}`)
    taken.push([place.path, address])
  }

  if (isAddress(listen) && !isLoopback(listen.host) && config.auth === undefined) {
    const reach = `${show(listen.host)} can be reached from other machines, and auth is not set`
    const { advice } = errorCatalogue.ROUSE_LISTEN_NEEDS_AUTH
    root.key('listen').key('host').say(`${reach} (ROUSE_LISTEN_NEEDS_AUTH). ${advice}`)
  }
}

function urlOf(protocols: readonly string[], what: string): Check {
  return check(what, (value) => {
    const url = typeof value === 'string' ? URL.parse(value) : null
    return url !== null && protocols.includes(url.protocol) && !url.username && !url.password && !url.hash
  })
}

function isHost(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 253) return false
  if (isIP(value)) return true
  return /[A-Za-z]/.test(value) && /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value)
}

function isAddress(value: unknown): value is ListenAddress {
  return isPlainObject(value) && isHost(value.host) && typeof value.port === 'number'
}

function isSocket(value: unknown): value is SocketAddress {
  return isPlainObject(value) && typeof value.path === 'string'
}

function isSocketUrl(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('unix:/') && !value.includes('\0')
}

function overlap(a: ListenAddress | SocketAddress, b: ListenAddress | SocketAddress): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || [a.host, b.host].some((host) => host === '0.0.0.0' || host === '::')
}
