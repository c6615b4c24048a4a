import { Command } from 'commander'
import { humanDuration, seconds } from '../model/durations.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import { systemClock } from '../util/clock.ts'
import { readMasterFile } from './client/find-master.ts'
import { untilInterrupted } from './follow/interrupt.ts'
import { masterRuns } from './master-runs.ts'
import { printJson } from './output/print.ts'
import { ProgressLine } from './output/progress-line.ts'
import { terminalOf } from './output/terminal.ts'

interface StopOptions {
  readonly config?: string
  readonly timeout: string
  readonly json?: boolean
}

export function stopCommand(): Command {
  return new Command('stop')
    .description('stop the master of this folder and wait until it is gone')
    .option('--config <file>', 'find the master by the data folder of this config')
    .option('--timeout <duration>', 'how long to wait', '2m')
    .option('--json', 'print JSON')
    .action(stop)
}

async function stop({ config, timeout, json = false }: StopOptions): Promise<void> {
  const patience = seconds(/^\d+$/.test(timeout) ? Number(timeout) : timeout) * 1000
  const { file, master } = await readMasterFile({ config })
  if (!master || !(await masterRuns(master.pid))) {
    const why = master ? `the one in ${file} is gone` : `there is no ${file}`
    const advice = 'Run this in the folder of the master, or name its config with --config.'
    throw new RouseError('ROUSE_MASTER_UNREACHABLE', `no master runs here: ${why}`, { advice })
  }
  terminate(master.pid)
  await untilGone(master.pid, patience, json)
  if (json) await printJson({ stopped: master.pid, url: master.url })
  else await terminalOf(process.stdout).write(`the master at ${master.url} has stopped\n`)
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new RouseError('ROUSE_NOT_ALLOWED', `cannot stop process ${pid}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function untilGone(pid: number, patience: number, quiet: boolean): Promise<void> {
  const progress = quiet ? undefined : new ProgressLine(terminalOf(process.stderr))
  const since = systemClock.now()
  try {
    await untilInterrupted(async (signal) => {
      for (let pause = 50; await masterRuns(pid); pause = Math.min(500, pause * 1.5)) {
        const waited = systemClock.now() - since
        if (waited > patience)
          throw new RouseError(
            'ROUSE_STOP_TIMEOUT',
            `process ${pid} still runs after ${humanDuration(waited)}`,
          )
        if (waited > 300)
          await progress?.show(`waiting for process ${pid} to stop`, ` · ${humanDuration(waited)}`)
        await systemClock.sleep(pause, signal)
      }
    })
  } finally {
    await progress?.clear()
  }
}
