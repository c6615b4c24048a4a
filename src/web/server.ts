import type { ListenAddress, SocketAddress } from '../config/types.ts'
import { AgentsListener } from './agents-listener.ts'
import { closeApp, listenOn, urlOf } from './listen.ts'
import { makeApp } from './make-app.ts'
import type { WebServices } from './services.ts'

export interface WebOptions {
  /** Page and API; agents too unless `agentsListen` has an address of a network. Port 0 takes a free one. */
  readonly listen: ListenAddress
  /** Listeners that serve only agents. One whose address does not exist yet is retried. */
  readonly agentsListen?: readonly (ListenAddress | SocketAddress)[] | undefined
  /** The built page. Without it `/` says how to build it. */
  readonly uiDir?: string | undefined
  /** Bytes of a request's body. Default 1 MiB. */
  readonly maxRequestBytes?: number | undefined
  /** Seconds between pings to readers of events, who must answer before the next. Default 30. */
  readonly heartbeat?: number | undefined
  /** Bytes that a reader of events may be behind before it is closed. Default 4 MiB. */
  readonly maxUnsentBytes?: number | undefined
}

export interface WebServer {
  /** Of page and API, with the real port: 'http://127.0.0.1:8010'. */
  readonly url: string
  /** Of the agents-only listeners that listen by now: 'http://172.17.0.1:8011', 'unix:/run/rouse/agents.sock'. */
  readonly agentUrls: () => string[]
  /** Stops listening, closes WebSockets with 1001 and waits for all; cuts what takes longer than some seconds. */
  close(): Promise<void>
}

/** Throws ROUSE_LISTEN_FAILED when an address is taken, or does not exist (agents-only ones are then retried). */
export async function startWeb(services: WebServices, options: WebOptions): Promise<WebServer> {
  const { listen, agentsListen = [], maxRequestBytes = 1_048_576 } = options
  const app = await makeApp(services, {
    agents: agentsListen.every((address) => 'path' in address),
    page: {
      listenHost: listen.host,
      uiDir: options.uiDir,
      heartbeat: options.heartbeat ?? 30,
      maxUnsentBytes: options.maxUnsentBytes ?? 4 * 1_048_576,
    },
    maxRequestBytes,
  })
  const listeners: AgentsListener[] = []
  const close = async () => {
    await Promise.all([closeApp(app), ...listeners.map((listener) => listener.close())])
  }
  try {
    await listenOn(app, listen)
    for (const address of agentsListen) {
      const agentsApp = await makeApp(services, { agents: true, page: undefined, maxRequestBytes })
      const listener = new AgentsListener(agentsApp, address, services.log)
      listeners.push(listener)
      await listener.open()
    }
  } catch (error) {
    await close()
    throw error
  }
  let closed: Promise<void> | undefined
  return {
    url: urlOf(app, listen.host),
    agentUrls: () => listeners.flatMap((listener) => listener.url ?? []),
    close: () => (closed ??= close()),
  }
}
