import { readdirSync, readFileSync } from 'node:fs'

/** Whether no living process is left in a group. Zombies do not live: somewhere nobody may reap them. */
export function groupIsGone(group: number): boolean {
  if (!(group > 1)) throw new Error(`${group} is not a process group`)
  return !readdirSync('/proc').some((name) => {
    const fields = statOf(name)
    return fields !== undefined && Number(fields[2]) === group && fields[0] !== 'Z'
  })
}

function statOf(pid: string): string[] | undefined {
  if (!/^\d+$/.test(pid)) return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
