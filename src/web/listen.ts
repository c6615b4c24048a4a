import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../config/types.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import type { App } from './app.ts'

/** Milliseconds that running answers get when the master stops. */
const closingTime = 5_000

/** Throws ROUSE_LISTEN_FAILED with the system's error as its cause; the app may then try again. */
export async function listenOn(app: App, { host, port }: ListenAddress): Promise<void> {
  try {
    await app.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` })
  } catch (error) {
    throw new RouseError(
      'ROUSE_LISTEN_FAILED',
      `cannot listen on ${host} port ${port}: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

/** Stops listening and waits for the answers that are being sent, but cuts those that take too long. */
export async function closeApp(app: App): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), closingTime)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}

/** With the real port where 0 was asked for. */
export function urlOf(app: App, host: string): string {
  const { port } = app.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
