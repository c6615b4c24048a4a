import { Properties, type PropertyReader, type PropertyValue } from '../../model/properties.ts'
import type { NoticeEvent } from '../../model/notice-event.ts'
import type { Result } from '../../model/results.ts'
import type { BuildFacts, Facts, RequestFacts } from '../facts.ts'
import { resultSentence } from '../result-sentence.ts'
import type { CommitState } from './commit-status.ts'

/** What a function in the options gets: the properties of build or request, and what is told of it. */
export interface AboutStatus extends PropertyReader {
  readonly state: CommitState
  readonly request: RequestFacts
  /** Not before it is started; not of a request that ends without one. */
  readonly build: BuildFacts | undefined
  /** What is said unless the options say something else. */
  readonly description: string
}

/** What an event means for the status of a commit; undefined: nothing, or the event to come says more. */
export async function aboutStatus(event: NoticeEvent, facts: Facts): Promise<AboutStatus | undefined> {
  if (!('request' in event)) return undefined
  const request = await facts.request(event.request)
  if (!request) return undefined
  const isOver = request.completedAt !== null
  switch (event.type) {
    case 'request.submitted':
      if (isOver || request.build !== null) return undefined
      return about(request, undefined, 'pending', 'Waiting to be built')
    case 'build.started': {
      if (isOver || request.build !== event.build) return undefined
      const build = await facts.build(event.build)
      if (!build || build.finishedAt) return undefined
      return about(request, build, 'running', `Build ${build.id} runs on ${build.worker}`)
    }
    case 'build.finished': {
      // Any other result is told when the request is completed.
      if (event.result !== 'RETRY' || isOver || request.build !== event.build) return undefined
      const build = await facts.build(event.build)
      return about(request, build, 'pending', `Build ${event.build} was lost, waiting to be built again`)
    }
    case 'request.completed':
      return ofResult(event.result, request, facts)
  }
}

async function ofResult(result: Result, request: RequestFacts, facts: Facts) {
  // Where the newer request is one for the same commit, its status is the commit's.
  if (request.supersededBy !== null) {
    const newer = await facts.request(request.supersededBy)
    if (newer && newer.source.revision === request.source.revision) return undefined
  }
  const build = request.build === null ? undefined : await facts.build(request.build)
  const sentence = resultSentence(result, request, build)
  return about(request, build, stateOf(result, build), sentence[0]!.toUpperCase() + sentence.slice(1))
}

/** What was not built is not green: a commit that was skipped for a newer one has not passed. */
export function stateOf(result: Result, build: BuildFacts | undefined): CommitState {
  return result === 'SKIPPED' && !build ? 'cancelled' : states[result]
}

function about(
  request: RequestFacts,
  build: BuildFacts | undefined,
  state: CommitState,
  description: string,
): AboutStatus {
  const properties = new Properties()
  const { branch, repository, revision } = request.source
  const known: Record<string, PropertyValue> = { buildername: request.builder, repository, branch, revision }
  for (const [name, value] of Object.entries(known)) properties.set({ name, value, source: 'build' })
  for (const property of [...request.properties, ...(build?.properties ?? [])]) properties.set(property)
  return Object.assign(properties, { request, build, state, description })
}

const states: Readonly<Record<Result, CommitState>> = {
  SUCCESS: 'success',
  WARNINGS: 'success',
  SKIPPED: 'success',
  FAILURE: 'failure',
  EXCEPTION: 'error',
  RETRY: 'error',
  CANCELLED: 'cancelled',
}
