/** How an instance gets the agent and finds the master. */
export interface AgentDelivery {
  /** The agent as one file on the master's machine, for Node.js 20 and newer. */
  readonly file: string
  readonly sha256: string
  /** Where the agent connects to, in this order: ws://, wss:// or unix: followed by the path of a socket. */
  readonly masters: readonly string[]
}
