import { Command, Option } from 'commander'
import { humanDuration, seconds } from '../model/durations.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import { systemClock } from '../util/clock.ts'
import type { ApiBuild } from '../web/api.ts'
import { readMasterFile } from './client/find-master.ts'
import { MasterClient } from './client/master-client.ts'
import { untilInterrupted } from './follow/interrupt.ts'
import { masterRuns } from './master-runs.ts'
import { printJson } from './output/print.ts'
import { ProgressLine } from './output/progress-line.ts'
import { terminalOf } from './output/terminal.ts'

interface StopOptions {
  readonly config?: string
  readonly timeout?: string
  readonly wait?: boolean
  readonly cancel?: boolean
  readonly json?: boolean
}

export function stopCommand(): Command {
  return new Command('stop')
    .description('stop the master of this folder and wait until it is gone')
    .option('--config <file>', 'find the master by the data folder of this config')
    .addOption(
      new Option('--wait', 'start nothing new, and stop when the running builds have finished').conflicts(
        'cancel',
      ),
    )
    .option('--cancel', 'cancel the running builds, and stop when they have ended')
    .option('--timeout <duration>', 'how long to wait for the end (default: 2m; without end with --wait)')
    .option('--json', 'print JSON')
    .action(stop)
}

async function stop({
  cancel = false,
  config,
  json = false,
  timeout,
  wait = false,
}: StopOptions): Promise<void> {
  const patience = patienceOf(timeout ?? (wait ? undefined : '2m'))
  const { file, master } = await readMasterFile({ config })
  if (!master || !(await masterRuns(master.pid))) {
    const why = master ? `the one in ${file} is gone` : `there is no ${file}`
    const advice = 'Run this in the folder of the master, or name its config with --config.'
    throw new RouseError('ROUSE_MASTER_UNREACHABLE', `no master runs here: ${why}`, { advice })
  }
  const client = new MasterClient({ url: master.url, from: `from ${file}` })
  const soft = wait || cancel
  if (soft) await client.post('/stop', { cancel })
  else terminate(master.pid)
  await untilGone(master.pid, {
    patience,
    quiet: json,
    doing: soft ? () => whatRuns(client) : async () => `waiting for process ${master.pid} to stop`,
  })
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

function patienceOf(timeout: string | undefined): number {
  if (timeout === undefined) return Infinity
  return seconds(/^\d+$/.test(timeout) ? Number(timeout) : timeout) * 1000
}

async function whatRuns(client: MasterClient): Promise<string> {
  try {
    const { items, next } = await client.list<ApiBuild>('/builds', { state: 'running' }, 4)
    if (items.length === 0) return 'no build runs any more; the master is stopping'
    const names = items.slice(0, 3).map(({ builder, id }) => `${id} ${builder}`)
    const more = items.length > 3 || next !== null ? ' and more' : ''
    return `no build starts any more; waiting for ${names.join(', ')}${more}`
  } catch {
    return 'the master is stopping'
  }
}

interface Waiting {
  /** Milliseconds. */
  readonly patience: number
  readonly quiet: boolean
  readonly doing: () => Promise<string>
}

async function untilGone(pid: number, { doing, patience, quiet }: Waiting): Promise<void> {
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
        if (waited > 300) await progress?.show(await doing(), ` · ${humanDuration(waited)}`)
        await systemClock.sleep(pause, signal)
      }
    })
  } finally {
    await progress?.clear()
  }
}
