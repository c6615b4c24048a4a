import { Command } from 'commander'
import { RouseError } from '../model/errors.ts'
import type { ApiReap } from '../web/instance-api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { plainLine } from './output/neutralise.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'

interface ReapOptions extends ClientOptions {
  readonly dryRun?: boolean
}

export function reapCommand(): Command {
  return withClientOptions(
    new Command('reap')
      .description('end what this cluster has made at its providers and does not know any more')
      .option('--dry-run', 'only say what would be ended')
      .addHelpText('after', reapHelp)
      .action(reap),
  )
}

async function reap({ dryRun = false, json, ...options }: ReapOptions): Promise<void> {
  const client = await openClient(options)
  const answer = await client.post<ApiReap>('/instances/reap', { dryRun }, { deadline: patience })
  const { items, troubles } = answer
  if (json) await printJson(answer)
  else {
    if (items.length > 0 || troubles.length === 0)
      await printTable(items, dryRun ? dryTable : endedTable, 'nothing was found that nobody knows')
    for (const { backend, message } of troubles)
      await terminalOf(process.stderr).write(plainLine(`${backend} cannot be asked: ${message}`) + '\n')
  }
  if (troubles.length > 0 || items.some(({ error }) => error !== null))
    throw new RouseError('ROUSE_REAP_INCOMPLETE', 'not everything could be looked at and ended')
}

const columns: Columns<ApiReap['items'][number]> = () => [
  { title: 'ID', text: ({ id }) => id },
  { title: 'WORKER', text: ({ worker }) => worker },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'BACKEND', text: ({ backend }) => backend, cut: true },
  { title: 'REF', text: ({ ref }) => ref, cut: true },
]
const dryTable: typeof columns = (terminal, now) => [
  ...columns(terminal, now),
  { title: 'DETAIL', text: ({ detail }) => detail ?? '-', cut: true },
]
const endedTable: typeof columns = (terminal, now) => [
  ...columns(terminal, now),
  { title: 'ENDED', text: ({ ended, error }) => (ended ? 'yes' : `no: ${error}`), cut: true },
]

/** Milliseconds: providers are asked, and told to stop what is found. */
const patience = 200_000

const reapHelp = `
The master does this by itself for ever, after two looks and orphanGrace; this does it at once. What carries
the stamp of another cluster, or none, is never touched. Ends with 1 when a provider could not be asked or
did not obey.`
