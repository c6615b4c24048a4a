import { userInfo } from 'node:os'
import { Command } from 'commander'
import type { ApiWorker } from '../web/api.ts'
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
  const add = (action: 'pause' | 'resume' | 'drain', description: string) => {
    const child = new Command(action).description(description).argument('<worker>')
    if (action !== 'resume') {
      child.option('--reason <text>', 'shown with the worker and with what waits for it')
      child.option('--until <duration>', 'end it by itself: 90m, 2h, or a time in ISO 8601')
    }
    command.addCommand(withClientOptions(child).action((name: string) => change(action, name, child)))
  }
  add('pause', 'no new builds; the running ones go on')
  add('drain', 'no new builds; the status says when the running ones have finished')
  add('resume', 'take builds again')
  return command
}

async function workers({ json, ...options }: ClientOptions): Promise<void> {
  const client = await openClient(options)
  const page = await client.list<ApiWorker>('/workers')
  if (json) return await printJson(page)
  await printTable(page.items, workersTable, 'no workers')
}

interface ChangeOptions extends ClientOptions {
  readonly reason?: string
  readonly until?: string
}

async function change(action: string, name: string, command: Command): Promise<void> {
  const { json, reason, until, ...options } = command.optsWithGlobals<ChangeOptions>()
  const client = await openClient(options)
  const body = { reason, by: me(), until: /^\d+$/.test(until ?? '') ? Number(until) : until }
  const path = `/workers/${encodeURIComponent(name)}/${action}`
  const worker = await client.post<ApiWorker>(path, body, { repeatable: true })
  if (json) return await printJson(worker)
  await terminalOf(process.stdout).write(`${worker.name} ${worker.status}\n`)
}

// A user id without a name is common in containers.
function me(): string | undefined {
  try {
    return userInfo().username.slice(0, 100) || undefined
  } catch {
    return undefined
  }
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
