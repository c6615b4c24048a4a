import { Command } from 'commander'
import type { ApiRequest } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import type { MasterClient, Page } from './client/master-client.ts'
import { type Columns, printJson, printTable } from './output/print.ts'
import { colourOf } from './output/result-text.ts'
import { when } from './output/time.ts'
import { integer } from './parse-integer.ts'

interface RequestsOptions extends ClientOptions {
  readonly builder?: string
  readonly all?: boolean
  readonly limit: number
}

export function requestsCommand(): Command {
  return withClientOptions(
    new Command('requests')
      .description('list what waits, in the order of the queue, and why')
      .option('--builder <name>', 'only requests for this builder')
      .option('--all', 'also those that were taken or have ended, newest first')
      .option('--limit <number>', 'how many', integer(1, 1_000_000), 100)
      .action(requests),
  )
}

async function requests({ builder, all, limit, json, ...options }: RequestsOptions): Promise<void> {
  const client = await openClient(options)
  const page = all
    ? await client.list<ApiRequest>('/requests', { builder }, limit)
    : await waiting(client, builder, limit)
  if (json) return await printJson(page)
  await printTable(page.items, requestsTable, all ? 'no requests' : 'nothing waits')
}

// The master lists by age, but those that come next are wanted first: only all of them tell.
async function waiting(
  client: MasterClient,
  builder: string | undefined,
  limit: number,
): Promise<Page<ApiRequest>> {
  const { items } = await client.list<ApiRequest>('/requests', { builder, state: 'pending' })
  return { items: items.toSorted((a, b) => place(a) - place(b)).slice(0, limit), next: null }
}

const requestsTable: Columns<ApiRequest> = ({ isTTY, colours }, now) => [
  { title: 'REQUEST', text: (request) => `r${request.id}` },
  { title: 'BUILDER', text: (request) => request.builder, cut: true },
  { title: 'STATE', text: state, colour: (request) => colourOf(state(request), colours) },
  { title: 'PLACE', text: (request) => String(request.position ?? '-'), align: 'right' },
  { title: 'PRIORITY', text: (request) => String(request.priority), align: 'right' },
  { title: 'SUBMITTED', text: (request) => when(request.submittedAt, { isTTY, now }) },
  { title: 'BUILDS', text: (request) => request.buildIds.join(' ') || '-' },
  { title: 'WAITS FOR', text: waitsFor, cut: true },
]

function state(request: ApiRequest): string {
  return request.result ?? request.state
}

function waitsFor({ buildIds, result, startFailure, supersededBy, waitingFor }: ApiRequest): string {
  if (waitingFor !== null) return waitingFor
  if (supersededBy !== null) return `superseded by r${supersededBy}`
  return (result === 'EXCEPTION' && buildIds.length === 0 && startFailure) || '-'
}

function place(request: ApiRequest): number {
  return request.position ?? Number.MAX_SAFE_INTEGER
}
