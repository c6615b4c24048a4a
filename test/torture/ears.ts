import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { WebhookPayload } from '../../src/reporters/webhook/webhook-payload.ts'
import type { MasterProcess, OnEnd } from '../helpers/master-process.ts'
import { waitFor } from '../helpers/wait-for.ts'
import type { Random } from './random.ts'

/** Whom the master tells of each result: it answers as a service on a bad day. */
export class Ears {
  readonly url: string
  /** By the id of the message, which is the same on every try. */
  readonly heard = new Map<string, { readonly request: number; readonly result: string | null }>()

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/`
  }

  static async open(random: Random, onEnd: OnEnd): Promise<Ears> {
    const server = createServer((request, response) => {
      void (async () => {
        const id = String(request.headers['x-rouse-delivery'])
        const payload = JSON.parse(await text(request)) as WebhookPayload
        const mood = random.next()
        if (mood < 0.1) return request.socket.destroy()
        if (mood < 0.2) return response.writeHead(500).end()
        const { id: number, result } = payload.request!
        ears.heard.set(id, { request: number, result })
        // It has heard, and cannot say so.
        if (mood < 0.3) request.socket.destroy()
        else response.writeHead(204).end()
      })().catch(() => request.socket.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onEnd(async () => {
      server.closeAllConnections()
      server.close()
    })
    const ears = new Ears((server.address() as AddressInfo).port)
    return ears
  }

  /** Until everything that was to be told is told; who waits for long asks for another try. */
  async settled(master: MasterProcess): Promise<void> {
    await waitFor(
      'all notices to be sent',
      async () => {
        const open = []
        for (const state of ['new', 'waiting'])
          open.push(...(await master.api(`/notices?limit=1000&state=${state}`)).items)
        for (const { id } of open) await master.api(`/notices/${id}/retry`, { method: 'POST', json: {} })
        return open.length === 0
      },
      { timeout: 180_000, interval: 1000 },
    )
  }
}
