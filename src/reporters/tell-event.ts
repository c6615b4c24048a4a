import type { NoticeEvent } from '../model/notice-event.ts'
import type { Result } from '../model/results.ts'
import type { BuildFacts, BuildsetFacts, Facts, RequestFacts, WorkerFacts } from './facts.ts'
import { oneLine } from './plain-text.ts'
import { pageLinks } from './page-links.ts'
import type { Site } from './reporter.ts'
import { resultSentence } from './result-sentence.ts'

/** An event with all that is known about it. */
export interface ToldEvent {
  readonly event: NoticeEvent
  /** One line: 'unit: build 17 failed after 3 m 2 s: tests: 3 failed'. */
  readonly text: string
  /** The page with more. */
  readonly url: string
  readonly request?: RequestFacts | undefined
  /** The one that the event is about, else the newest of the request. */
  readonly build?: BuildFacts | undefined
  readonly buildset?: BuildsetFacts
  /** Undefined when it is no longer in the config. */
  readonly worker?: WorkerFacts | undefined
}

/** Undefined when what the event is about is no longer there. */
export async function tellEvent(
  event: NoticeEvent,
  facts: Facts,
  site: Site,
): Promise<ToldEvent | undefined> {
  if ('worker' in event) {
    const worker = await facts.worker(event.worker)
    return {
      event,
      text: oneLine(ofWorker(event), maxText),
      url: pageLinks.worker(site, event.worker),
      worker,
    }
  }
  if ('buildset' in event) {
    const buildset = await facts.buildset(event.buildset)
    if (!buildset) return undefined
    const first = buildset.requests[0]
    const url = first ? pageLinks.request(site, first) : site.url
    return { event, text: oneLine(ofBuildset(event.result, buildset), maxText), url, buildset }
  }
  const request = await facts.request(event.request)
  if (!request) return undefined
  const buildId = 'build' in event ? event.build : request.build
  const build = buildId === null ? undefined : await facts.build(buildId)
  if ('build' in event && !build) return undefined
  const text = oneLine(`${request.builder}: ${ofRequest(event, request, build)}`, maxText)
  const url = build ? pageLinks.build(site, build.id) : pageLinks.request(site, request)
  return { event, text, url, request, build }
}

type RequestEvent = Extract<NoticeEvent, { request: number }>
type WorkerEvent = Extract<NoticeEvent, { worker: string }>

function ofRequest(event: RequestEvent, request: RequestFacts, build: BuildFacts | undefined): string {
  if (event.type === 'request.submitted')
    return `waiting to be built${request.reason && ` (${request.reason})`}`
  if (event.type === 'build.started')
    return `build ${event.build} started${build ? ` on ${build.worker}` : ''}`
  return resultSentence(event.result, request, build)
}

function ofBuildset(result: Result, { id, requests }: BuildsetFacts): string {
  const each = requests.slice(0, 20).map((request) => `${request.builder} ${request.result ?? 'waits'}`)
  return `buildset ${id} ended, ${result}: ${each.join(', ')}`
}

function ofWorker(event: WorkerEvent): string {
  const name = `worker ${event.worker}`
  if (event.type === 'worker.missing') return `${name} is missing since ${event.since}: ${event.reason}`
  if (event.type === 'worker.recovered') return `${name} is back; it was missing since ${event.missingSince}`
  return `${name} lost its connection ${event.losses} times within an hour: ${event.lastReason}`
}

const maxText = 300
