import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What the names of a command's files begin with: `<id>.<offset>` is output, `<id>.tail-<n>` the end of a log that is too long,
 * `<id>.result` its end. One folder for all: to make and remove one for each command takes longer than everything else.
 */
export function spoolPath(spoolDir: string, id: string): string {
  return join(spoolDir, `${id}.`)
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
