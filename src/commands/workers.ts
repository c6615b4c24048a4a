import { Command } from 'commander'
import { RouseError } from '../model/errors.ts'
import type { ApiWorker } from '../web/api.ts'
import {
  changeAllWorkers,
  changeWorker,
  untilDrained,
  type WorkerAction,
  type WorkerChange,
} from './change-workers.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'
import { when } from './output/time.ts'

export function workersCommand(): Command {
  const command = withClientOptions(
    new Command('workers')
      .description('list the workers and what they do, or change what they may do')
      .enablePositionalOptions()
      .action(workers),
  )
  const add = (action: WorkerAction, description: string) => {
    const child = new Command(action).description(description).argument('[worker]')
    child.option('--all', allMeans[action])
    if (action === 'drain') child.option('--wait', 'wait until the running builds have finished')
    if (action !== 'resume') {
      child.option('--reason <text>', 'shown with the worker and with what waits for it')
      child.option('--until <duration>', 'end it by itself: 90m, 2h, or a time in ISO 8601')
    }
    const act = (name: string | undefined) => change(action, name, child)
    command.addCommand(withClientOptions(child).action(act))
  }
  add('pause', 'no new builds; the running ones go on')
  add('drain', 'no new builds; the status says when the running ones have finished')
  add('resume', 'take builds again')
  return command
}

const allMeans: Readonly<Record<WorkerAction, string>> = {
  pause: 'every worker that takes builds',
  drain: 'every worker; one that is paused stays so',
  resume: 'every worker that was drained; one that is paused stays so',
}

async function workers({ json, ...options }: ClientOptions): Promise<void> {
  const client = await openClient(options)
  const page = await client.list<ApiWorker>('/workers')
  if (json) return await printJson(page)
  await printTable(page.items, workersTable, 'no workers')
}

interface ChangeOptions extends ClientOptions, WorkerChange {
  readonly all?: boolean
  readonly wait?: boolean
}

async function change(action: WorkerAction, name: string | undefined, command: Command): Promise<void> {
  const {
    all = false,
    json = false,
    reason,
    until,
    wait,
    ...options
  } = command.optsWithGlobals<ChangeOptions>()
  if ((name === undefined) !== all)
    throw new RouseError('ROUSE_USAGE', `${action} takes the name of a worker, or --all`)
  const client = await openClient(options)
  const wish = { reason, until }
  const changed =
    name === undefined
      ? await changeAllWorkers(client, action, wish)
      : [await changeWorker(client, action, name, wish)]
  const names = changed.map((worker) => worker.name)
  const workers = wait ? await untilDrained(client, names, { quiet: json }) : changed
  if (json) return await printJson(all ? { items: workers, next: null } : workers[0])
  const { write } = terminalOf(process.stdout)
  for (const worker of workers) await write(`${worker.name} ${worker.status}\n`)
  if (workers.length === 0) await write(`no worker to ${action}\n`)
}

// A latent worker without an instance is as it should be.
function connection({ connected, kind }: ApiWorker): 'yes' | 'no' | 'asleep' {
  if (connected) return 'yes'
  return kind === 'latent' ? 'asleep' : 'no'
}

function builds({ kind, maxBuilds, runningBuilds }: ApiWorker): string {
  const running = runningBuilds.length
  return kind === 'latent' ? String(running) : `${running} of ${maxBuilds}`
}

const workersTable: Columns<ApiWorker> = ({ isTTY, colours }, now) => [
  { title: 'WORKER', text: (worker) => worker.name, cut: true },
  { title: 'KIND', text: (worker) => worker.kind },
  {
    title: 'CONNECTED',
    text: connection,
    colour: (worker) => ({ yes: colours.green, no: colours.red, asleep: colours.gray })[connection(worker)],
  },
  {
    title: 'BUILDS',
    text: builds,
    align: 'right',
  },
  {
    title: 'LAST SEEN',
    text: (worker) => (worker.connected ? 'now' : when(worker.lastSeenAt, { isTTY, now })),
  },
  { title: 'STATUS', text: (worker) => worker.status, cut: true },
]
