import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * Whether process `pid` is a master. A file that names it may be older than the process: the number may have gone to
 * another program, or belong to another container, and that one must not be stopped.
 */
export async function masterRuns(pid: number): Promise<boolean> {
  const args = await argumentsOf(pid)
  const script = args.findIndex((arg) => /(^|\/)(cli\.[jt]s|rouse(\.mjs)?)$/.test(arg))
  return script >= 0 && args.indexOf('start', script) > script
}

// A process that has ended but is not reaped yet has no arguments any more.
async function argumentsOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  } catch {
    if (process.platform === 'linux') return []
  }
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)], { timeout: 5000 })
    return stdout.trim().split(/\s+/)
  } catch {
    return []
  }
}
