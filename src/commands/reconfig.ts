import { Command } from 'commander'
import type { ApiReconfig } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { printJson } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'

export function reconfigCommand(): Command {
  return withClientOptions(
    new Command('reconfig')
      .description('make the running master take over master.config.ts as it is now')
      .action(reconfig),
  )
}

async function reconfig({ json, ...options }: ClientOptions): Promise<void> {
  const client = await openClient(options)
  const changes = await client.post<ApiReconfig>('/reconfig', {}, { deadline: 120_000 })
  if (json) return await printJson(changes)
  await terminalOf(process.stdout).write(`${linesOf(changes).join('\n')}\n`)
}

function linesOf({ needsRestart, ...rooms }: ApiReconfig): string[] {
  const lines = Object.entries(rooms).flatMap(([room, changes]) =>
    (['added', 'changed', 'removed'] as const).flatMap((verb) =>
      changes[verb].length > 0 ? [`${room} ${verb}: ${changes[verb].join(', ')}`] : [],
    ),
  )
  if (needsRestart.length > 0) lines.push(`needs a restart of the master: ${needsRestart.join(', ')}`)
  return ['the config is taken over; running builds keep their steps', ...lines]
}
