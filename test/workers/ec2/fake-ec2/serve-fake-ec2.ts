import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressActions } from './address-actions.ts'
import { Ec2Refusal } from './fake-fault.ts'
import type { FakeEc2 } from './fake-ec2.ts'
import { imageActions } from './image-actions.ts'
import { instanceActions } from './instance-actions.ts'
import { powerActions } from './power-actions.ts'
import { volumeActions } from './volume-actions.ts'
import { xml } from './xml.ts'

export interface ServedFakeEc2 {
  /** For the option `endpoint`. */
  readonly url: string
  /** Breaks every connection. */
  cut(): void
  close(): Promise<void>
}

/** Speaks EC2's Query protocol on a loopback port. What was begun is done although the caller has hung up. */
export async function serveFakeEc2(cloud: FakeEc2): Promise<ServedFakeEc2> {
  const open = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const answered = answer(cloud, request, response)
      .catch(() => request.socket.destroy())
      .then(() => void open.delete(answered))
    open.add(answered)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => server.closeAllConnections(),
    async close() {
      server.close()
      server.closeAllConnections()
      await Promise.all(open)
    },
  }
}

async function answer(cloud: FakeEc2, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Error('the caller has hung up')))
  const body = Buffer.concat(await request.toArray()).toString()
  const requestId = `request-${cloud.calls.length}`
  const say = (status: number, text: string) =>
    response
      .writeHead(status, { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId })
      .end(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`)
  try {
    const key = /^AWS4-HMAC-SHA256 Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1]
    if (key === undefined)
      throw new Ec2Refusal('AuthFailure', 'AWS was not able to validate the provided access credentials', 401)
    const { action, answer: told } = await cloud.call(body, actions, { gone: gone.signal, key })
    const fields = typeof told === 'object' && !Array.isArray(told) ? told : {}
    say(200, xml(`${action}Response`, { requestId, ...(fields as object) }))
  } catch (error) {
    if (!(error instanceof Ec2Refusal)) throw error
    const { code, message, status } = error
    say(
      status,
      `<Response><Errors>${xml('Error', { Code: code, Message: message })}</Errors>${xml('RequestID', requestId)}</Response>`,
    )
  }
}

const actions = { ...instanceActions, ...powerActions, ...imageActions, ...volumeActions, ...addressActions }
