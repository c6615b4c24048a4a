/** Sends a signal to a process group. False when no process is left in it. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  // -1 and 0 would mean every process there is, and our own group.
  if (!Number.isInteger(leader) || leader <= 1) throw new Error(`${leader} is not a process group`)
  try {
    process.kill(-leader, signal)
    return true
  } catch (error) {
    // EPERM: it is there and has become somebody else, by sudo for instance.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function groupExists(leader: number): boolean {
  return signalGroup(leader, 0)
}
