import { Command } from 'commander'
import type { ApiBuild, ApiRequest } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { printJson } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'
import { parseTarget } from './parse-ids.ts'

interface CancelOptions extends ClientOptions {
  readonly reason?: string
}

export function cancelCommand(): Command {
  return withClientOptions(
    new Command('cancel')
      .description('cancel a build (17) or a request (r12)')
      .argument('<build|request>')
      .option('--reason <text>', 'shown with what is cancelled')
      .action(cancel),
  )
}

async function cancel(text: string, { reason, json, ...options }: CancelOptions): Promise<void> {
  const { kind, id } = parseTarget(text)
  const client = await openClient(options)
  const answer = await client.post<ApiBuild | ApiRequest>(
    `/${kind}s/${id}/cancel`,
    { reason },
    { repeatable: true },
  )
  if (json) return await printJson(answer)
  const name = kind === 'request' ? `request r${id}` : `build ${id}`
  await terminalOf(process.stdout).write(`${name} ${outcome(answer)}\n`)
}

function outcome({ result }: ApiBuild | ApiRequest): string {
  if (result === null) return 'is being cancelled'
  return result === 'CANCELLED' ? 'is cancelled' : `has already ended: ${result}`
}
