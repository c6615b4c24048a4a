import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { errorCatalogue, messageOf, RouseError, type ErrorCode } from '../../model/errors.ts'
import { agentEnvironment } from '../supervisor/environment.ts'
import { ownFolder } from '../supervisor/workspace-path.ts'
import type { StartReport, SuperviseOptions } from './supervise-options.ts'
import { supervisorEntry } from './supervisor-entry.ts'

/**
 * Starts a supervisor as a process in a session of its own, which outlives this one, and waits until it listens. Throws
 * what it ran into: ROUSE_AGENT_BASE_DIR, ROUSE_AGENT_BASE_DIR_IN_USE.
 */
export async function startSupervisor(options: SuperviseOptions): Promise<void> {
  const own = join(options.baseDir, ownFolder)
  let child: ChildProcess
  try {
    mkdirSync(own, { recursive: true, mode: 0o700 })
    // What it cannot tell its connector, because it failed.
    const log = openSync(join(own, 'supervisor.log'), 'w', 0o600)
    try {
      child = spawn(process.execPath, [...supervisorEntry, JSON.stringify(options)], {
        cwd: options.baseDir,
        detached: true,
        env: agentEnvironment(process.env),
        stdio: ['ignore', log, log, 'pipe'],
      })
    } finally {
      closeSync(log)
    }
  } catch (error) {
    throw new RouseError('ROUSE_AGENT_BASE_DIR', `${options.baseDir}: ${messageOf(error)}`, { cause: error })
  }
  child.unref()
  const report = await reportOf(child)
  if (report.ok) return
  const code =
    report.code !== undefined && report.code in errorCatalogue ? report.code : 'ROUSE_AGENT_BASE_DIR'
  throw new RouseError(code as ErrorCode, report.message)
}

async function reportOf(child: ChildProcess): Promise<StartReport> {
  const pipe = child.stdio[3] as Readable
  const failed = new Promise<Error>((resolve) => child.once('error', resolve))
  const patience = setTimeout(() => pipe.destroy(), startMs)
  try {
    const parts: Buffer[] = []
    const read = (async () => {
      for await (const part of pipe) parts.push(part as Buffer)
    })().catch(() => {})
    const error = await Promise.race([read, failed])
    if (error) return { ok: false, message: error.message }
    const text = Buffer.concat(parts).toString()
    if (text) return JSON.parse(text) as StartReport
    return { ok: false, message: 'the supervisor did not start; .rouse/supervisor.log may say why' }
  } finally {
    clearTimeout(patience)
    pipe.destroy()
  }
}

const startMs = 30_000
