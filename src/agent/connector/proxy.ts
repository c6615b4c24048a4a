import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls'
import type { ClientOptions } from 'ws'

/**
 * What a WebSocket to a master needs for going through the proxy that HTTPS_PROXY or HTTP_PROXY names (by the kind of the
 * master's address; both also in small letters), unless NO_PROXY names the master. This machine itself is never asked for through a proxy.
 */
export function throughProxy(url: URL, env: NodeJS.ProcessEnv): Pick<ClientOptions, 'createConnection'> {
  if (!proxyText(url, env)) return {}
  const createConnection = (options: ConnectionOptions, done: Done) => {
    openTunnel(url, env).then(
      (socket) => done(null, url.protocol === 'wss:' ? secured(socket, url, options) : socket),
      (error: unknown) => done(error as Error),
    )
  }
  // http.request takes a connection later too, which the types do not know.
  return { createConnection: createConnection as unknown as ClientOptions['createConnection'] & {} }
}

type Done = (error: Error | null, socket?: Socket) => void

/** What the environment says of a proxy for the address; '' for none. */
export function proxyText(url: URL, env: NodeJS.ProcessEnv): string {
  const either = (name: string) => env[name.toLowerCase()] || env[name] || ''
  if (/^(localhost|127(\.\d+){3}|::1)$/.test(hostOf(url)) || isExcepted(url, either('NO_PROXY'))) return ''
  return either(url.protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
}

// `NO_PROXY=ci.example,.internal,10.0.0.7:8010` excepts names, all below a name, and single ports; `*` everything.
function isExcepted(url: URL, list: string): boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  const host = hostOf(url)
  return entries.some((entry) => {
    const [, name, port] = isIP(entry) ? [entry, entry] : /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry)!
    if (port !== undefined && port !== portOf(url)) return false
    const suffix = name.replace(/^\*?\./, '')
    return name === '*' || host === suffix || host.endsWith(`.${suffix}`)
  })
}

function parseProxy(text: string): URL {
  const address = text.includes('://') ? text : `http://${text}`
  const proxy = URL.canParse(address) ? new URL(address) : undefined
  if (proxy && /^https?:$/.test(proxy.protocol)) return proxy
  throw new Error('the proxy in the environment has no http or https address')
}

async function openTunnel(url: URL, env: NodeJS.ProcessEnv): Promise<Socket> {
  const proxy = parseProxy(proxyText(url, env))
  const target = `${url.hostname}:${portOf(url)}`
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization = { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: hostOf(proxy),
    port: portOf(proxy),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...(credentials === ':' ? {} : authorization) },
    agent: false,
    timeout: connectMs,
  })
  return new Promise((resolve, reject) => {
    request.once(
      'connect',
      ({ statusCode, statusMessage }: IncomingMessage, socket: Socket, head: Buffer) => {
        if (statusCode === 200) {
          if (head.length > 0) socket.unshift(head)
          socket.setTimeout(0)
          return resolve(socket)
        }
        socket.destroy()
        reject(new Error(`the proxy ${proxy.host} answered ${statusCode} ${statusMessage}`))
      },
    )
    request.once('response', (response) => {
      response.destroy()
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`))
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', (error) =>
      reject(new Error(`cannot connect through the proxy ${proxy.host}: ${error.message}`)),
    )
    request.end()
  })
}

function secured(socket: Socket, url: URL, { ca }: ConnectionOptions): Socket {
  const host = hostOf(url)
  return tlsConnect({ socket, host, servername: isIP(host) ? '' : host, ...(ca === undefined ? {} : { ca }) })
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'wss:' || protocol === 'https:' ? '443' : '80')
}

/** Less than the whole handshake may take. */
const connectMs = 8000
