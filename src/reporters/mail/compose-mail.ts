import type { NoticeEvent } from '../../model/notice-event.ts'
import type { RequestFacts } from '../facts.ts'
import type { ComposeTools, Draft } from '../reporter.ts'
import { distinct, parseAddress } from './addresses.ts'
import { chooseAttachments } from './attachments.ts'
import { buildLetter } from './build-letter.ts'
import { buildsetLetter } from './buildset-letter.ts'
import { buildReport, buildsetReport, workerReport } from './load-reports.ts'
import { isWanted } from './modes.ts'
import { recipientsOf } from './recipients.ts'
import type { BuildReport, BuildsetReport, WorkerEvent } from './report.ts'
import type { MailSettings } from './settings.ts'
import { listId, threadOf } from './threads.ts'
import { workerLetter } from './worker-letter.ts'
import { writeDraft } from './write-draft.ts'

/** The mail that an event asks for: one message to all who are to hear of it, or none. */
export async function composeMail(
  settings: MailSettings,
  event: NoticeEvent,
  tools: ComposeTools,
): Promise<Draft[]> {
  switch (event.type) {
    case 'request.completed':
      return aboutBuild(settings, event.request, tools)
    case 'buildset.completed':
      return aboutBuildset(settings, event.buildset, tools)
    case 'worker.missing':
    case 'worker.recovered':
    case 'worker.flapping':
      return aboutWorker(settings, event, tools)
    default:
      return []
  }
}

async function aboutBuild(settings: MailSettings, id: number, tools: ComposeTools): Promise<Draft[]> {
  const request = await tools.facts.request(id)
  if (!request || !isOurs(settings, request)) return []
  const { builder, result, source } = request
  if (result === null || !isWanted(settings.modes, result, request.previousResult)) return []
  const report = await buildReport(tools, request, result)
  return toInterested(settings, report, [report], tools, {
    letter: buildLetter(report),
    thread: threadOf(tools.site, 'build', builder, source.branch),
    listId: listId(tools.site, 'builders', builder),
  })
}

async function aboutBuildset(settings: MailSettings, id: number, tools: ComposeTools): Promise<Draft[]> {
  const buildset = await tools.facts.buildset(id)
  if (!buildset || buildset.result === null) return []
  const report = await buildsetReport(tools, buildset, buildset.result, (one) => isOurs(settings, one))
  const isNews = ({ previousResult, result }: BuildReport) => isWanted(settings.modes, result, previousResult)
  if (!report.builds.some(isNews)) return []
  return toInterested(settings, report, report.builds, tools, {
    letter: buildsetLetter(report),
    thread: threadOf(tools.site, 'buildset', buildset.source.branch),
    listId: listId(tools.site, 'buildsets'),
  })
}

async function toInterested(
  settings: MailSettings,
  report: BuildReport | BuildsetReport,
  builds: readonly BuildReport[],
  { signal, site }: ComposeTools,
  { letter, listId, thread }: Pick<Parameters<typeof writeDraft>[1], 'letter' | 'listId' | 'thread'>,
): Promise<Draft[]> {
  const requests = builds.map(({ request }) => request)
  const { notes, to } = await recipientsOf(settings, requests, signal)
  if (to.length === 0) return []
  const { attached, left } = chooseAttachments(
    settings,
    builds.flatMap(({ build }) => build ?? []),
  )
  if (left.length > 0)
    notes.push(`Too large to be attached: ${left.slice(0, 20).join(', ')}. They are at ${site.url}.`)
  const { body, subject } = settings.templates
  return [
    await writeDraft(settings, {
      report,
      letter,
      to,
      notes,
      thread,
      listId,
      attachments: attached,
      templates: { body, bodyName: 'body', subject, subjectName: 'subject' },
      signal,
    }),
  ]
}

async function aboutWorker(
  settings: MailSettings,
  event: WorkerEvent,
  tools: ComposeTools,
): Promise<Draft[]> {
  if (Array.isArray(settings.workers) && !settings.workers.includes(event.worker)) return []
  const report = await workerReport(tools, event)
  const to = distinct((report?.worker.notifyOnMissing ?? []).flatMap((one) => parseAddress(one) ?? []))
  if (!report || to.length === 0) return []
  const { workerBody: body, workerSubject: subject } = settings.templates
  return [
    await writeDraft(settings, {
      report,
      letter: workerLetter(report, settings.clock.now()),
      to,
      notes: [],
      thread: threadOf(tools.site, 'worker', event.worker),
      listId: listId(tools.site, 'workers', event.worker),
      attachments: [],
      templates: { body, bodyName: 'workerBody', subject, subjectName: 'workerSubject' },
      signal: tools.signal,
    }),
  ]
}

function isOurs({ builders }: MailSettings, { builder }: RequestFacts): boolean {
  return builders === undefined || builders.includes(builder)
}
