import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessStat {
  /** 'R', 'S', 'Z', ... as in proc(5). */
  readonly state: string
  readonly group: number
  readonly session: number
  /** Clock ticks since boot. */
  readonly startTime: string
}

/** Undefined when there is no such process, or on a system without /proc. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, group: Number(fields[2]), session: Number(fields[3]), startTime: fields[19]! }
  } catch {
    return undefined
  }
}

/** Ids of all processes; none on a system without /proc. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}
