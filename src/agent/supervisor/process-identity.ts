import { readFileSync } from 'node:fs'
import { readProcessStat } from './process-table.ts'

/**
 * Tells a process from a later one with the same id: boot and start time. Undefined when there is no such process, or on a
 * system without /proc.
 */
export function processIdentity(pid: number): string | undefined {
  const stat = readProcessStat(pid)
  return stat && `${bootId()}:${stat.startTime}`
}

function bootId(): string {
  return (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
}

let boot: string | undefined
