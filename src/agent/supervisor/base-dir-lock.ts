import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { RouseError } from '../../model/errors.ts'
import { processIdentity } from './process-identity.ts'
import { readProcessStat } from './process-table.ts'

/**
 * Takes `file` as the sign that this process uses a base dir (a connector or a supervisor: each has its own), and returns what gives it back. Throws
 * ROUSE_AGENT_BASE_DIR_IN_USE while the process that holds it lives; the lock of a dead one is taken over.
 */
export function lockBaseDir(baseDir: string, file: string): () => void {
  const mine: Holder = {
    pid: process.pid,
    identity: processIdentity(process.pid) ?? null,
    token: Math.random(),
  }
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(mine))
  try {
    // A link is made or not made, but never half written and never over another's.
    while (!tryLink(draft, file)) {
      const holder = readHolder(file)
      if (holder && isAlive(holder)) throw inUse(baseDir, holder.pid)
      moveAway(file, holder)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return () => {
    if (readHolder(file)?.token === mine.token) rmSync(file, { force: true })
  }
}

interface Holder {
  readonly pid: number
  readonly identity: string | null
  readonly token: number
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

// Somebody else may take over the same dead lock just now: what was moved is theirs then, and goes back.
function moveAway(file: string, dead: Holder | undefined): void {
  const aside = `${file}.dead.${process.pid}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (readHolder(aside)?.token !== dead?.token) tryLink(aside, file)
  rmSync(aside, { force: true })
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isAlive({ pid, identity }: Holder): boolean {
  // A dead process that nobody has reaped holds nothing.
  if (identity !== null) return processIdentity(pid) === identity && readProcessStat(pid)?.state !== 'Z'
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function inUse(baseDir: string, pid: number): RouseError {
  return new RouseError('ROUSE_AGENT_BASE_DIR_IN_USE', `process ${pid} is an agent that uses ${baseDir}`)
}
