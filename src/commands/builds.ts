import { Command } from 'commander'
import { systemClock } from '../util/clock.ts'
import type { ApiBuild, ApiStep } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import type { MasterClient } from './client/master-client.ts'
import { buildDetails } from './output/build-details.ts'
import { buildsTable } from './output/builds-table.ts'
import { printJson, printTable } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'
import { parseBuildId } from './parse-ids.ts'
import { integer } from './parse-integer.ts'

interface BuildsOptions extends ClientOptions {
  readonly builder?: string
  readonly worker?: string
  readonly limit: number
}

export function buildsCommand(): Command {
  return withClientOptions(
    new Command('builds')
      .description('list the newest builds, or show one with its steps')
      .argument('[build]', 'its number')
      .option('--builder <name>', 'only builds of this builder')
      .option('--worker <name>', 'only builds on this worker')
      .option('--limit <number>', 'how many', integer(1, 1_000_000), 20)
      .action(async (build: string | undefined, options: BuildsOptions) => {
        const client = await openClient(options)
        await (build === undefined ? list(client, options) : show(client, parseBuildId(build), options))
      }),
  )
}

async function list(client: MasterClient, { builder, worker, limit, json }: BuildsOptions): Promise<void> {
  const page = await client.list<ApiBuild>('/builds', { builder, worker }, limit)
  if (json) return await printJson(page)
  await printTable(page.items, buildsTable, 'no builds')
}

async function show(client: MasterClient, id: number, { json }: BuildsOptions): Promise<void> {
  const build = await client.get<ApiBuild>(`/builds/${id}`)
  const { items } = await client.list<ApiStep>(`/builds/${id}/steps`)
  const steps = items.toSorted((a, b) => a.number - b.number)
  if (json) return await printJson({ ...build, steps })
  const out = terminalOf(process.stdout)
  await out.write(buildDetails(build, steps, out, systemClock.now()))
}
