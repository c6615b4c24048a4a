import { closeSync, writeSync } from 'node:fs'
import { messageOf, RouseError } from '../../model/errors.ts'
import type { StartReport, SuperviseOptions } from './supervise-options.ts'
import { SupervisorServer } from './supervisor-server.ts'

/** The supervisor as a whole process. Exit codes: 0 not needed any more, 1 could not start, or failed. */
export async function supervise([json]: readonly string[]): Promise<void> {
  const options = JSON.parse(json ?? '{}') as SuperviseOptions
  let server: SupervisorServer
  try {
    server = await SupervisorServer.start(options)
  } catch (error) {
    report({ ok: false, message: messageOf(error), ...(error instanceof RouseError && { code: error.code }) })
    process.exit(1)
  }
  report({ ok: true })
  // Who tells it to end wants everything to end now: a third Ctrl-C, or a machine that goes down.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.kill())
  process.on('SIGHUP', () => {})
  await server.ended
  process.exit(0)
}

// The connector may be gone already.
function report(start: StartReport): void {
  try {
    writeSync(3, `${JSON.stringify(start)}\n`)
    closeSync(3)
  } catch {
    // Then there is nobody to tell.
  }
}
