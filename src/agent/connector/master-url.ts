import { RouseError } from '../../model/errors.ts'

/** The WebSocket address of a master: `https://ci.example/rouse` gives `wss://ci.example/rouse/agent`. Throws ROUSE_USAGE. */
export function agentUrl(master: string): URL {
  const url = URL.canParse(master) ? new URL(master) : undefined
  const protocol = url && protocols[url.protocol]
  if (!url || !protocol || url.username || url.password || url.search || url.hash)
    throw new RouseError('ROUSE_USAGE', `${JSON.stringify(master)} is not the address of a master`, {
      advice: 'Write it like ws://ci.example:8010 or https://ci.example.',
    })
  const path = url.pathname.replace(/\/+$/, '')
  return new URL(`${protocol}//${url.host}${path.endsWith('/agent') ? path : `${path}/agent`}`)
}

/** Whether a password sent there can be read on the way. */
export function isInTheClear(url: URL): boolean {
  return url.protocol === 'ws:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

const protocols: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
}
