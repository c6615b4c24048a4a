import type { Property, PropertyValue } from '../../model/properties.ts'
import type { SourceStamp } from '../../model/source-stamp.ts'
import type { BuildFacts, BuildsetFacts, ChangeFacts, RequestFacts } from '../facts.ts'
import { shorten } from '../shorten.ts'
import { pageLinks } from '../page-links.ts'
import type { Site } from '../reporter.ts'
import type { ToldEvent } from '../tell-event.ts'
import type {
  WebhookBuild,
  WebhookBuildset,
  WebhookPayload,
  WebhookRequest,
  WebhookWorker,
} from './webhook-payload.ts'

/** The event as JSON of at most `maxPayload` bytes. */
export function payloadOf(told: ToldEvent, site: Site): WebhookPayload {
  const { build, buildset, event, request, text, url } = told
  const payload: WebhookPayload = {
    version: 1,
    event: event.type,
    text,
    url,
    master: { title: site.title, url: site.url },
    ...(request && { request: ofRequest(request) }),
    ...(build && { build: ofBuild(build, site) }),
    ...(buildset &&
      'buildset' in event && { buildset: { ...ofBuildset(buildset, site), result: event.result } }),
    ...('worker' in event && { worker: ofWorker(told, event) }),
  }
  return fitting(payload)
}

function ofRequest(facts: RequestFacts): WebhookRequest {
  const { id, builder, buildset, reason, origin, scheduler, owners, result, previousResult } = facts
  const { build, cancelReason, startFailure, supersededBy } = facts
  return {
    ...{ id, builder, buildset, reason, origin, scheduler, owners, result, previousResult },
    ...{ cancelReason, startFailure, supersededBy, build },
    source: withoutCredentials(facts.source),
    changes: facts.changes.slice(0, 100).map(bounded),
    properties: asRecord(facts.properties),
    submittedAt: facts.submittedAt.toISOString(),
    completedAt: facts.completedAt?.toISOString() ?? null,
  }
}

function ofBuild(facts: BuildFacts, site: Site): WebhookBuild {
  const { id, request, attempt, worker, result, summary, cancelReason } = facts
  return {
    ...{ id, builder: request.builder, request: request.id, attempt, worker, result, summary, cancelReason },
    startedAt: facts.startedAt.toISOString(),
    finishedAt: facts.finishedAt?.toISOString() ?? null,
    properties: asRecord(facts.properties),
    steps: facts.steps.slice(0, 500).map((step) => ({
      number: step.number,
      name: step.name,
      result: step.result,
      summary: step.summary,
      startedAt: step.startedAt?.toISOString() ?? null,
      finishedAt: step.finishedAt?.toISOString() ?? null,
      logs: step.logs.slice(0, 20).map((log) => ({ ...log, url: pageLinks.log(site, log.id) })),
    })),
    artifacts: facts.artifacts.slice(0, 100).map((a) => ({ ...a, url: pageLinks.artifact(site, a.id) })),
    url: pageLinks.build(site, id),
  }
}

function ofBuildset(facts: BuildsetFacts, site: Site): Omit<WebhookBuildset, 'result'> {
  return {
    id: facts.id,
    reason: facts.reason,
    source: withoutCredentials(facts.source),
    submittedAt: facts.submittedAt.toISOString(),
    completedAt: facts.completedAt?.toISOString() ?? null,
    requests: facts.requests.slice(0, 100).map((request) => {
      const { build, builder, id, result } = request
      return { id, builder, result, build, url: pageLinks.request(site, request) }
    }),
  }
}

function ofWorker(
  { worker }: ToldEvent,
  event: Extract<ToldEvent['event'], { worker: string }>,
): WebhookWorker {
  const { type: _, worker: name, ...details } = event
  if (!worker) return { name, details }
  const { admin, connected, host, hostname, kind, os } = worker
  const waiting = worker.waiting.map((w) => ({ ...w, submittedAt: w.submittedAt.toISOString() }))
  return { name, details, kind, admin, host, hostname, os, connected, waiting }
}

function bounded(change: ChangeFacts): ChangeFacts {
  const message = change.message && shorten(change.message, 4000)
  return { ...change, message, files: change.files.slice(0, 100) }
}

/** Whoever may read a webhook may not therefore read the repository. */
function withoutCredentials({ branch, repository, revision }: SourceStamp): SourceStamp {
  const clean = repository
    .replace(/^(https?:\/\/)[^/]*@/i, '$1')
    .replace(/^([a-z+]+:\/\/[^/:@]*):[^/]*@/i, '$1@')
  return { repository: clean, branch, revision }
}

function asRecord(properties: readonly Property[]): Record<string, PropertyValue> {
  return Object.fromEntries(properties.map(({ name, value }) => [name, value]))
}

function fitting(payload: WebhookPayload): WebhookPayload {
  let fits = payload
  for (const cut of cuts) {
    if (Buffer.byteLength(JSON.stringify(fits)) <= maxPayload) return fits
    fits = { ...cut(fits), truncated: true }
  }
  return fits
}

const cuts: readonly ((payload: WebhookPayload) => WebhookPayload)[] = [
  ({ build, request, ...rest }) => ({
    ...rest,
    ...(request && { request: { ...request, properties: {} } }),
    ...(build && { build: { ...build, properties: {} } }),
  }),
  ({ request, ...rest }) => ({
    ...rest,
    ...(request && {
      request: { ...request, changes: request.changes.slice(-10).map((c) => ({ ...c, files: [] })) },
    }),
  }),
  ({ build, request, ...rest }) => ({
    ...rest,
    ...(request && { request: { ...request, changes: [], owners: request.owners.slice(0, 20) } }),
    ...(build && { build: { ...build, steps: [], artifacts: [] } }),
  }),
]
const maxPayload = 256 * 1024
