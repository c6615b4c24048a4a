import { Command, Option } from 'commander'
import type { ApiNotice, ApiTrouble } from '../web/notice-api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { colourOf } from './output/result-text.ts'
import { terminalOf } from './output/terminal.ts'
import { when } from './output/time.ts'
import { integer } from './parse-integer.ts'

interface NoticesOptions extends ClientOptions {
  readonly reporter?: string
  readonly state?: ApiNotice['state']
  readonly limit: number
}

export function noticesCommand(): Command {
  const command = withClientOptions(
    new Command('notices')
      .description('list what people and other services are told, newest first')
      .enablePositionalOptions()
      .option('--reporter <name>', 'only notices of this reporter')
      .addOption(new Option('--state <state>', 'only those in this state').choices(states))
      .option('--limit <number>', 'how many', integer(1, 1_000_000), 30)
      .action(notices),
  )
  const child = new Command('retry')
    .description('try a notice again: one that failed or was dropped, or one that waits')
    .argument('<notice>', 'its number', integer(1, Number.MAX_SAFE_INTEGER))
  command.addCommand(withClientOptions(child).action((id: number) => retry(id, child)))
  return command
}

async function notices({ json, limit, reporter, state, ...options }: NoticesOptions): Promise<void> {
  const client = await openClient(options)
  const page = await client.list<ApiNotice>('/notices', { reporter, state }, limit)
  if (json) return await printJson(page)
  await printTable(page.items, noticesTable, 'no notices')
  const troubles = await client.list<ApiTrouble>('/troubles')
  for (const { advice, kind, message, name } of troubles.items)
    if (kind === 'reporter')
      await terminalOf(process.stderr).write(`${name} ${message}${advice === null ? '' : `. ${advice}`}\n`)
}

async function retry(id: number, command: Command): Promise<void> {
  const { json, ...options } = command.optsWithGlobals<ClientOptions>()
  const client = await openClient(options)
  const notice = await client.post<ApiNotice>(`/notices/${id}/retry`, {}, { repeatable: true })
  if (json) return await printJson(notice)
  const outcome = notice.state === 'sent' ? 'was sent already' : 'is tried again'
  await terminalOf(process.stdout).write(`notice ${id} ${outcome}\n`)
}

const noticesTable: Columns<ApiNotice> = ({ colours, isTTY }, now) => [
  { title: 'NOTICE', text: ({ id }) => String(id), align: 'right' },
  { title: 'STATE', text: ({ state }) => state, colour: ({ state }) => colourOf(state, colours) },
  { title: 'REPORTER', text: ({ reporter }) => reporter },
  { title: 'TO', text: ({ target }) => target ?? '-', cut: true },
  { title: 'SUBJECT', text: ({ event, subject }) => subject ?? event, cut: true },
  { title: 'TRIES', text: ({ attempts }) => String(attempts), align: 'right' },
  { title: 'CREATED', text: ({ createdAt }) => when(createdAt, { isTTY, now }) },
  { title: 'LAST ERROR', text: ({ error }) => error ?? '', cut: true },
]

const states: readonly ApiNotice['state'][] = ['new', 'waiting', 'sent', 'failed', 'dropped']
