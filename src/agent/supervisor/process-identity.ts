import { readFileSync } from 'node:fs'

/**
 * Tells a process from a later one with the same id: boot and start time. Undefined when there is no such process, or on a
 * system without /proc.
 */
export function processIdentity(pid: number): string | undefined {
  const stat = readProcessStat(pid)
  return stat && `${bootId()}:${stat.startTime}`
}

export interface ProcessStat {
  readonly group: number
  readonly session: number
  /** Clock ticks since boot. */
  readonly startTime: string
}

export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { group: Number(fields[2]), session: Number(fields[3]), startTime: fields[19]! }
  } catch {
    return undefined
  }
}

function bootId(): string {
  return (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
}

let boot: string | undefined
