import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { MasterProcess } from '../test/helpers/master-process.ts'
import type { Row } from './row.ts'

const bytes = 100_000_000
const command =
  'yes "2026-11-20T12:00:00Z info a line of a usual length with a number 1234567890 in it" | head -c 100000000'

/** 100 MB of log text, from the start of the build to its stored end, beside reading the same through a bare pipe. */
export async function measureLogs(master: MasterProcess): Promise<Row> {
  const bare = await barePipe()
  const { buildIds, result } = await master.request(await master.force('log'), 300_000)
  if (result !== 'SUCCESS') throw new Error(`the log build ended ${result}`)
  const build = await master.api(`/builds/${buildIds[0]}`)
  const seconds = (Date.parse(build.finishedAt) - Date.parse(build.startedAt)) / 1000
  const rouse = bytes / 1e6 / seconds
  return {
    claim: 'log megabytes per second (100 MB from one command, compressed by the agent, committed)',
    measured: `${rouse.toFixed(1)} MB/s`,
    limit: `${bare.toFixed(1)} MB/s through a bare pipe into Node`,
    ratio: (rouse / bare).toFixed(3),
  }
}

async function barePipe(): Promise<number> {
  const started = performance.now()
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.resume()
  await once(child, 'close')
  return bytes / 1e6 / ((performance.now() - started) / 1000)
}
