import { Command } from 'commander'
import { costText } from '../model/cost.ts'
import { humanDuration } from '../model/durations.ts'
import type { ApiInstance } from '../web/instance-api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import type { Column } from './output/table.ts'
import { colourOf } from './output/result-text.ts'
import { integer } from './parse-integer.ts'

interface InstancesOptions extends ClientOptions {
  readonly all?: boolean
  readonly worker?: string
  readonly limit: number
}

export function instancesCommand(): Command {
  return withClientOptions(
    new Command('instances')
      .description('list the instances of latent workers, newest first, and why each is as it is')
      .option('--worker <name>', 'only instances of this worker')
      .option('--all', 'also those that are gone')
      .option('--limit <number>', 'how many', integer(1, 1_000_000), 100)
      .action(instances),
  )
}

async function instances({ all, json, limit, worker, ...options }: InstancesOptions): Promise<void> {
  const client = await openClient(options)
  const query = { worker, all: all ? 'true' : undefined }
  const page = await client.list<ApiInstance>('/instances', query, limit)
  if (json) return await printJson(page)
  const priced = page.items.some(({ cost }) => cost !== null)
  await printTable(page.items, instancesTable({ priced }), all ? 'no instances' : 'no instance lives')
}

function instancesTable({ priced }: { priced: boolean }): Columns<ApiInstance> {
  return ({ colours, isTTY }, now) => [
    { title: 'INSTANCE', text: ({ name }) => name },
    { title: 'STATE', text: ({ state }) => state, colour: ({ state }) => colourOf(state, colours) },
    { title: 'AGE', text: ({ age }) => humanDuration(age * 1000), align: 'right' },
    { title: 'IDLE UNTIL', text: ({ idleUntil }) => until(idleUntil, { isTTY, now }) },
    { title: 'ATTEMPT', text: ({ attempt }) => String(attempt), align: 'right' },
    { title: 'BUILDS', text: ({ builds }) => String(builds), align: 'right' },
    ...(priced ? [cost] : []),
    // People want the reason; programs can use the id.
    ...(isTTY ? [] : [{ title: 'ID', text: ({ id }: ApiInstance) => id }]),
    { title: 'WHY', text: ({ why }) => why, cut: true },
  ]
}

const cost: Column<ApiInstance> = {
  title: 'COST',
  text: ({ cost }) => (cost === null ? '-' : costText(cost)),
  align: 'right',
}

/** 'in 9 m 40 s' on a terminal, ISO 8601 in a pipe. */
function until(iso: string | null, { isTTY, now }: { isTTY: boolean; now: number }): string {
  if (iso === null) return '-'
  return isTTY ? `in ${humanDuration(Math.max(1000, Date.parse(iso) - now))}` : iso
}
