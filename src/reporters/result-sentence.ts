import { humanDuration } from '../model/durations.ts'
import type { Result } from '../model/results.ts'
import type { BuildFacts, RequestFacts } from './facts.ts'

/** How a request ended: 'build 17 failed after 3 m 2 s: tests: 3 failed', 'not built: ...'. */
export function resultSentence(result: Result, request: RequestFacts, build: BuildFacts | undefined): string {
  return build ? ofBuild(result, build) : withoutBuild(result, request)
}

function ofBuild(result: Result, { cancelReason, finishedAt, id, startedAt, summary }: BuildFacts): string {
  const time = finishedAt && humanDuration(finishedAt.getTime() - startedAt.getTime())
  const ended = `build ${id} ${verbs[result]}${time ? ` after ${time}` : ''}`
  const why = result === 'CANCELLED' ? (cancelReason ?? summary) : summary
  return why ? `${ended}: ${why}` : ended
}

function withoutBuild(result: Result, { cancelReason, startFailure, supersededBy }: RequestFacts): string {
  if (result === 'CANCELLED') return `cancelled before it was built${cancelReason ? `: ${cancelReason}` : ''}`
  if (supersededBy !== null) return `not built: the newer request r${supersededBy} stands for it`
  if (startFailure) return `not built: ${startFailure}`
  return `not built: ${result}`
}

const verbs: Readonly<Record<Result, string>> = {
  SUCCESS: 'succeeded',
  WARNINGS: 'succeeded with warnings',
  FAILURE: 'failed',
  SKIPPED: 'had nothing to do',
  EXCEPTION: 'ended in an exception',
  RETRY: 'was lost and is tried again',
  CANCELLED: 'was cancelled',
}
