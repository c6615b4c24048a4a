import { Command } from 'commander'
import type { ApiWorker } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { when } from './output/time.ts'

export function workersCommand(): Command {
  return withClientOptions(
    new Command('workers').description('list the workers and what they do').action(workers),
  )
}

async function workers({ json, ...options }: ClientOptions): Promise<void> {
  const client = await openClient(options)
  const page = await client.list<ApiWorker>('/workers')
  if (json) return await printJson(page)
  await printTable(page.items, workersTable, 'no workers')
}

const workersTable: Columns<ApiWorker> = ({ isTTY, colours }, now) => [
  { title: 'WORKER', text: (worker) => worker.name, cut: true },
  { title: 'KIND', text: (worker) => worker.kind },
  {
    title: 'CONNECTED',
    text: (worker) => (worker.connected ? 'yes' : 'no'),
    colour: (worker) => (worker.connected ? colours.green : colours.red),
  },
  {
    title: 'BUILDS',
    text: (worker) => `${worker.runningBuilds.length} of ${worker.maxBuilds}`,
    align: 'right',
  },
  { title: 'LAST SEEN', text: (worker) => when(worker.lastSeenAt, { isTTY, now }) },
  { title: 'STATUS', text: (worker) => worker.status, cut: true },
]
