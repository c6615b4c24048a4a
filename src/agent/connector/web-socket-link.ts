import type { WebSocket } from 'ws'
import type { RawLink } from '../process/remote-supervisor.ts'

/** A WebSocket as the supervisor sees it. */
export function webSocketLink(socket: WebSocket, close: (reason: string) => void): RawLink {
  const send = (data: Buffer, binary: boolean) => {
    if (socket.readyState === socket.OPEN) socket.send(data, { binary })
  }
  return {
    sendText: (text) => send(text, false),
    sendBinary: (bytes) => send(bytes, true),
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    close,
  }
}
