import { resolve } from 'node:path'
import { RouseError } from '../../model/errors.ts'
import { longestSocketPath } from '../../util/longest-socket-path.ts'

/** Where a master is reached. */
export interface MasterAddress {
  /** For people: `wss://ci.example/agent`, `unix:/run/rouse/agents.sock`. */
  readonly href: string
  /** Of the WebSocket. */
  readonly url: URL
  /** Of a master on this machine; then the URL only says what is asked for. */
  readonly socketPath?: string
}

/** The address of a master: `https://ci.example/rouse` means `wss://ci.example/rouse/agent`. Throws ROUSE_USAGE. */
export function masterAddress(master: string): MasterAddress {
  if (master.startsWith('unix:')) return socketAddress(master.slice('unix:'.length))
  const url = URL.canParse(master) ? new URL(master) : undefined
  const protocol = url && protocols[url.protocol]
  if (!url || !protocol || url.username || url.password || url.search || url.hash)
    throw new RouseError('ROUSE_USAGE', `${JSON.stringify(master)} is not the address of a master`, {
      advice: 'Write it like ws://ci.example:8010, https://ci.example or unix:/run/rouse/agents.sock.',
    })
  const path = url.pathname.replace(/\/+$/, '')
  const found = new URL(`${protocol}//${url.host}${path.endsWith('/agent') ? path : `${path}/agent`}`)
  return { href: found.href, url: found }
}

/** Whether a password sent there can be read on the way. */
export function isInTheClear({ socketPath, url }: MasterAddress): boolean {
  if (socketPath !== undefined) return false
  return url.protocol === 'ws:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

function socketAddress(path: string): MasterAddress {
  if (!path || path.includes('\0')) throw new RouseError('ROUSE_USAGE', 'unix: needs the path of a socket')
  const socketPath = resolve(path)
  const bytes = Buffer.byteLength(socketPath)
  if (bytes > longestSocketPath)
    throw new RouseError('ROUSE_USAGE', `${socketPath} is too long for a socket: ${bytes} bytes`, {
      advice: `The system allows ${longestSocketPath}: reach it by a shorter path, such as a symbolic link to its folder.`,
    })
  return { href: `unix:${socketPath}`, url: new URL('ws://localhost/agent'), socketPath }
}

const protocols: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
}
