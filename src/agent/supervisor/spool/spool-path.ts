import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What the names of a command's files begin with: `<id>.<offset>` is output, `<id>.tail-<n>` the end of a log that is too long,
 * `<id>.result` its end. One folder for all: to make and remove one for each command takes longer than everything else.
 */
export function spoolPath(spoolDir: string, id: string): string {
  return join(spoolDir, `${id}.`)
}

/** The same of one of its logs: `<id>.log<n>-<offset>` and `<id>.log<n>-tail-<n>` from log 1 on. */
export function logPath(path: string, log: number): string {
  return `${path}${prefixOf(log)}`
}

/** Of the names of a command's files those of one log, without what `logPath` says. */
export function namesOfLog(names: readonly string[], log: number): string[] {
  const prefix = prefixOf(log)
  return names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
}

/** How many logs they belong to. */
export function countLogs(names: readonly string[]): number {
  return 1 + Math.max(0, ...names.map((name) => Number(/^log(\d{1,2})-/.exec(name)?.[1] ?? 0)))
}

function prefixOf(log: number): string {
  return log === 0 ? '' : `log${log}-`
}

/** The commands in it, and for each how the names of its files end. */
export function spooledCommands(spoolDir: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const name of readdirSync(spoolDir)) {
    const dot = name.indexOf('.')
    const id = dot === -1 ? name : name.slice(0, dot)
    found.set(id, [...(found.get(id) ?? []), name.slice(id.length + 1)])
  }
  return found
}
