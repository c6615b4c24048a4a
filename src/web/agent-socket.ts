import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { Authenticated } from '../fleet/fleet.ts'
import type { Worker } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import { decodeFromAgent, encodeControl } from '../protocol/control.ts'
import { decodeFileFrame, encodeFileFrame, isFileFrame } from '../protocol/file-frame.ts'
import type { MasterLink, MasterLinkEvents } from '../protocol/link.ts'
import { decodeOutputFrame } from '../protocol/output-frame.ts'
import type { WebServices } from './services.ts'

/** Bytes waiting for an agent that does not read. It asks for files piece by piece, so more than this is a dead end. */
const maxUnsentBytes = 16 * 1_048_576

/** Joins the socket of an agent that has logged in to the fleet. What it sends is checked here first. */
export function serveAgent(
  socket: WebSocket,
  { worker, ...from }: Authenticated & { worker: Worker },
  services: WebServices,
): void {
  const log = services.log.child({ worker: worker.name, address: from.address })
  let ended: string | undefined
  const end = (code: number, reason: string) => {
    ended ??= reason
    socket.close(code, closeReason(reason))
  }
  const send = (data: string | Buffer) => {
    if (ended !== undefined || socket.readyState !== socket.OPEN) return
    socket.send(data)
    if (socket.bufferedAmount <= maxUnsentBytes) return
    log.warn('agent does not read what it is sent, dropping its connection')
    ended = 'the agent does not read'
    socket.terminate()
  }
  const link: MasterLink = {
    send: (message) => send(encodeControl(message)),
    sendFile: (frame) => send(encodeFileFrame(frame)),
    ping: (ms) => answersPing(socket, ms),
    close: (reason) => end(1000, reason),
  }
  const session = services.fleet.accept(worker, link, from)
  socket.on('message', (data, isBinary) => {
    if (ended === undefined) receive(session, data as Buffer, isBinary, end, log)
  })
  socket.on('error', (error) => (ended ??= messageOf(error)))
  socket.on('close', (code, reason) => session.closed(ended ?? whyClosed(code, reason.toString())))
}

function receive(
  session: MasterLinkEvents,
  data: Buffer,
  isBinary: boolean,
  end: (code: number, reason: string) => void,
  log: Logger,
): void {
  let deliver: () => void
  try {
    if (isBinary && isFileFrame(data)) {
      const frame = decodeFileFrame(data)
      deliver = () => session.file(frame)
    } else if (isBinary) {
      const frame = decodeOutputFrame(data)
      deliver = () => session.output(frame)
    } else {
      const message = decodeFromAgent(data.toString())
      deliver = () => session.message(message)
    }
  } catch (error) {
    log.warn(`agent sent what no agent sends, closing its connection: ${messageOf(error)}`)
    end(1008, messageOf(error))
    return
  }
  try {
    deliver()
  } catch (error) {
    log.error({ err: error }, "handling an agent's message failed")
    end(1011, 'internal error')
  }
}

// What is on its way may stand before the pong on a slow line: any message is a sign of life.
function answersPing(socket: WebSocket, ms: number): Promise<boolean> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve(false)
  return new Promise((resolve) => {
    const settle = (answer: boolean) => {
      clearTimeout(timer)
      socket.off('pong', alive).off('message', alive).off('close', gone)
      resolve(answer)
    }
    const alive = () => settle(true)
    const gone = () => settle(false)
    const timer = setTimeout(gone, ms)
    socket.on('pong', alive).on('message', alive).on('close', gone)
    socket.ping()
  })
}

function whyClosed(code: number, reason: string): string {
  if (reason) return reason.replace(/\p{Cc}/gu, ' ')
  if (code === 1006) return 'the connection was lost'
  return code === 1000 || code === 1001 || code === 1005 ? 'the agent left' : `closed with code ${code}`
}

// A close frame holds 123 bytes of reason.
function closeReason(reason: string): string {
  let short = reason
  while (Buffer.byteLength(short) > 123) short = short.slice(0, -1)
  return short
}
