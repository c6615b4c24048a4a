import { setTimeout as delay } from 'node:timers/promises'
import { processIds, readProcessStat } from './process-table.ts'

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

/** Whether anything lives in it. Dead processes that nobody has reaped, as in a container without an init, do not count. */
export function groupExists(leader: number): boolean {
  if (!signalGroup(leader, 0)) return false
  const ids = processIds()
  return ids.length === 0 || ids.some((pid) => isMember(pid, leader))
}

/** Waits until nothing lives in any of them. Returns those where something still does after `patienceMs`. */
export async function groupsEnd(leaders: readonly number[], patienceMs: number): Promise<number[]> {
  const deadline = performance.now() + patienceMs
  let left = leaders.filter(groupExists)
  for (let pause = 5; left.length > 0 && performance.now() < deadline; pause = Math.min(200, pause * 2)) {
    await delay(pause)
    left = left.filter(groupExists)
  }
  return left
}

function isMember(pid: number, leader: number): boolean {
  const stat = readProcessStat(pid)
  return stat?.group === leader && !['Z', 'X'].includes(stat.state)
}
