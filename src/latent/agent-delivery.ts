/** How an instance gets the agent and finds the master. */
export interface AgentDelivery {
  /** The agent as one file on the master's machine, for Node.js 20 and newer. */
  readonly file: string
  readonly sha256: string
  /** Where the agent connects to, in this order: ws://, wss:// or unix: followed by the path of a socket. */
  readonly masters: readonly string[]
  /** A Node.js for machines without one, where the master has one to give. */
  readonly node?: NodeDelivery | undefined
}

/** The master's own Node.js, which it serves as `/agent/node-<machine>`. */
export interface NodeDelivery {
  /** 'linux-x64'. */
  readonly machine: string
  /** What it needs of the system: 'glibc', 'musl'; '' elsewhere than on Linux. */
  readonly libc: string
  readonly sha256: string
}
