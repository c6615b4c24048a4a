import type { FileFrame } from './file-frame.ts'
import type { FromAgent, FromMaster } from './messages.ts'
import type { OutputFrame } from './output-frame.ts'

/** The agent's end of a connection to a master, over a WebSocket or within one process. */
export interface AgentLink {
  send(message: FromAgent): void
  sendOutput(frame: OutputFrame): void
  sendFile(frame: FileFrame): void
  /** Bytes given to `send` that have not left yet. */
  readonly bufferedAmount: number
  close(reason: string): void
}

/** What the agent's end is told. After `closed` nothing more comes. */
export interface AgentLinkEvents {
  message(message: FromMaster): void
  file(frame: FileFrame): void
  closed(reason: string): void
}

/** The master's end. */
export interface MasterLink {
  send(message: FromMaster): void
  /** Whether the agent gives a sign of life within `ms` milliseconds. Never rejects. */
  ping(ms: number): Promise<boolean>
  sendFile(frame: FileFrame): void
  close(reason: string): void
}

export interface MasterLinkEvents {
  message(message: FromAgent): void
  output(frame: OutputFrame): void
  file(frame: FileFrame): void
  closed(reason: string): void
}
