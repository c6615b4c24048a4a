import type { FileFrame } from '../protocol/file-frame.ts'
import type { FromMaster } from '../protocol/messages.ts'

/** The master's end of a file on its way to or from an agent. */
export interface Transfer {
  /** Resolves when what has come so far is written. */
  readonly settled: Promise<unknown>
  /** Called once, before anything else. */
  bind(agent: AgentEnd): void
  /** What an agent is told that has got the command, or is back with it. */
  next(): readonly FromMaster[]
  /** A part of the file has come. Throws an Error when no honest agent would send it. */
  frame(frame: FileFrame): void
  /** The agent asks for the file's bytes. */
  want(offset: number, bytes: number): void
}

export interface AgentEnd {
  readonly command: string
  send(message: FromMaster): void
  sendFile(frame: FileFrame): void
  /** Ends the command at the agent. */
  cancel(reason: string): void
}
