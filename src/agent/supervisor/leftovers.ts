import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../model/errors.ts'
import type { Log } from '../log.ts'
import { commandMark } from './environment.ts'
import { groupExists, signalGroup } from './process-group.ts'
import { processIdentity } from './process-identity.ts'
import { processIds, readProcessStat } from './process-table.ts'
import { removeFile } from './remove-file.ts'

/** Keeps a record on disk of every process group that commands started, so that none outlives its agent for ever. */
export class Leftovers {
  readonly #dir: string
  readonly #log: Log
  /** Groups whose command has ended, but not they: a server that a build left running, with its output elsewhere. */
  readonly #lingering = new Map<string, number>()

  constructor(dir: string, log: Log) {
    this.#dir = dir
    this.#log = log
    mkdirSync(dir, { recursive: true })
  }

  /** To be called in the same turn as the spawn. Synchronous, because the agent may die at any moment. */
  record(command: string, pid: number): void {
    const record: Leftover = { command, pid, identity: processIdentity(pid) ?? null }
    writeFileSync(this.#file(command), JSON.stringify(record))
  }

  /** The command has ended: its record goes as soon as its process group is gone. */
  settle(command: string, pid: number): void {
    for (const [id, leader] of this.#lingering) {
      if (signalGroup(leader, 0)) continue
      removeFile(this.#file(id))
      this.#lingering.delete(id)
    }
    if (groupExists(pid)) this.#lingering.set(command, pid)
    else removeFile(this.#file(command))
  }

  /** Kills what is still there of every record, and removes the records. Returns the process groups that were there. */
  killAll(): number[] {
    const killed: number[] = []
    for (const name of readdirSync(this.#dir)) {
      const file = join(this.#dir, name)
      try {
        const leftover = JSON.parse(readFileSync(file, 'utf8')) as Leftover
        const groups = killLeftover(leftover)
        if (groups.length > 0) this.#log.warn(`killed what was left of command ${leftover.command}`)
        killed.push(...groups)
      } catch (error) {
        this.#log.warn(`cannot tell what ${file} left behind: ${messageOf(error)}`)
      }
      rmSync(file, { force: true, recursive: true })
    }
    this.#lingering.clear()
    return killed
  }

  #file(command: string): string {
    return join(this.#dir, `${command}.json`)
  }
}

interface Leftover {
  readonly command: string
  /** Leader of the process group and of its session. */
  readonly pid: number
  readonly identity: string | null
}

// The leader may be gone and its id belong to another: then only processes that carry the command's mark are its own.
function killLeftover({ command, pid, identity }: Leftover): number[] {
  const groups = new Set(markedGroups(command, pid))
  if (identity !== null && processIdentity(pid) === identity) groups.add(pid)
  return [...groups].filter((group) => signalGroup(group, 'SIGKILL'))
}

function markedGroups(command: string, session: number): number[] {
  const groups: number[] = []
  for (const pid of processIds()) {
    const stat = readProcessStat(pid)
    if (stat?.session === session && carriesMark(pid, command)) groups.push(stat.group)
  }
  return groups
}

function carriesMark(pid: number, command: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${commandMark}=${command}`)
  } catch {
    return false
  }
}
