import type { Result } from '../../model/results.ts'
import type { BuildsetFacts, Facts, RequestFacts, StepFacts } from '../facts.ts'
import type { ComposeTools, Site } from '../reporter.ts'
import { maxItems } from './worker-letter.ts'
import type { BuildReport, BuildsetReport, FailedStep, WorkerEvent, WorkerReport } from './report.ts'

export async function buildReport(
  { facts, site }: Pick<ComposeTools, 'facts' | 'site'>,
  request: RequestFacts,
  result: Result,
): Promise<BuildReport> {
  const build = request.build === null ? null : ((await facts.build(request.build)) ?? null)
  return {
    kind: 'build',
    site,
    result,
    previousResult: request.previousResult,
    request,
    build,
    failedStep: build && (await failedStep(facts, build.steps, result)),
    url: build
      ? `${site.url}#/builds/${build.id}`
      : `${site.url}#/builders/${encodeURIComponent(request.builder)}`,
  }
}

/** Of the requests that `isOurs` lets through and that have a result. */
export async function buildsetReport(
  { facts, site }: ComposeTools,
  buildset: BuildsetFacts,
  result: Result,
  isOurs: (request: RequestFacts) => boolean,
): Promise<BuildsetReport> {
  const builds: BuildReport[] = []
  for (const request of buildset.requests.filter(isOurs))
    if (request.result) builds.push(await buildReport({ facts, site }, request, request.result))
  return { kind: 'buildset', site, result, buildset, builds }
}

export async function workerReport(
  { facts, site }: { facts: Facts; site: Site },
  event: WorkerEvent,
): Promise<WorkerReport | undefined> {
  const worker = await facts.worker(event.worker)
  if (!worker) return undefined
  const ids = event.type === 'worker.missing' ? event.builds.slice(0, maxItems) : []
  const builds = await Promise.all(ids.map((id) => facts.build(id)))
  return {
    kind: 'worker',
    site,
    event,
    worker,
    builds: builds.filter((build) => build !== undefined),
    url: `${site.url}#/workers/${encodeURIComponent(worker.name)}`,
  }
}

async function failedStep(
  facts: Facts,
  steps: readonly StepFacts[],
  result: Result,
): Promise<FailedStep | null> {
  const guilty: readonly (Result | null)[] = result === 'WARNINGS' ? ['WARNINGS'] : ['FAILURE', 'EXCEPTION']
  const isBad = result === 'WARNINGS' || result === 'FAILURE' || result === 'EXCEPTION'
  const step = isBad ? steps.find((one) => guilty.includes(one.result)) : undefined
  if (!step) return null
  const log = step.logs.find(({ name }) => name === 'stdio') ?? step.logs[0]
  const tail = log ? await facts.logTail(log.id, tailLines) : ''
  return { ...step, log: tail.split('\n').map(shorten).join('\n') }
}

function shorten(text: string): string {
  return text.length > maxLine ? `${text.slice(0, maxLine)}…` : text
}

const tailLines = 30
const maxLine = 500
