import { expect } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import type { Result } from '../../../src/model/results.ts'
import { secret } from '../../../src/model/secret.ts'
import type { Reporter } from '../../../src/reporters/reporter.ts'
import type { ReporterDescription } from '../../../src/reporters/reporter-description.ts'
import type { CommitStatusOptions } from '../../../src/reporters/status/commit-status-options.ts'
import { fakeService, type Scripted } from '../fake-service.ts'
import { asMessage, endedBuild, factsOf, sendTools, site } from '../sample-facts.ts'

export const token = 'token-0123456789'

type Describe = (options: CommitStatusOptions & { baseUrl: string }) => ReporterDescription

export async function told(
  describe: Describe,
  result: Result,
  status: number,
  options: Partial<CommitStatusOptions> = {},
) {
  const { message, reporter, service } = await ready(describe, result, [{ status }], options)
  await reporter.send(message, sendTools({ TOKEN: token }))
  return { received: service.received[0]! }
}

export async function ready(
  describe: Describe,
  result: Result,
  answers: [Scripted, ...Scripted[]],
  options: Partial<CommitStatusOptions> = {},
) {
  const service = await fakeService(...answers)
  const all = { token: secret('TOKEN'), repository: 'acme/app', ...options, baseUrl: service.url }
  const reporter = openIn(describe, all)
  const event: NoticeEvent = { type: 'request.completed', request: 12, result }
  return { reporter, service, message: await messageOf(reporter, event) }
}

export function openIn<T extends object>(
  describe: (options: T) => ReporterDescription,
  options: T,
): Reporter {
  const description = describe(options)
  expect(description.mistakes(description.options)).toEqual([])
  return description.open(description.options, description.name)
}

export async function messageOf(reporter: Reporter, event: NoticeEvent & { type: 'request.completed' }) {
  const [draft] = await drafts(reporter, event, { builds: [endedBuild(event.result)] })
  return asMessage(draft!)
}

export function drafts(reporter: Reporter, event: NoticeEvent, known: Parameters<typeof factsOf>[0]) {
  return reporter.compose(event, { facts: factsOf(known), site, signal: new AbortController().signal })
}
