import type { WebSocket } from 'ws'
import { encodeControl } from '../../protocol/control.ts'
import type { AgentLink } from '../../protocol/link.ts'
import { encodeFileFrame } from '../../protocol/file-frame.ts'
import { encodeOutputFrame } from '../../protocol/output-frame.ts'

/** A WebSocket as the supervisor sees it. */
export function webSocketLink(socket: WebSocket, close: (reason: string) => void): AgentLink {
  const send = (data: string | Buffer) => {
    if (socket.readyState === socket.OPEN) socket.send(data)
  }
  return {
    send: (message) => send(encodeControl(message)),
    sendOutput: (frame) => send(encodeOutputFrame(frame)),
    sendFile: (frame) => send(encodeFileFrame(frame)),
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    close,
  }
}
