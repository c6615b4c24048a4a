import type { Clock } from '../../util/clock.ts'
import type { ApiBuild, ApiRequest } from '../../web/api.ts'
import { followBuild } from './follow-build.ts'
import type { Outcome } from './follow-view.ts'
import type { FollowParts } from './log-printer.ts'

export interface FollowRequestParts extends FollowParts {
  readonly clock: Clock
}

/** Follows a request through its waiting and its builds, one attempt after the other, to its final result. */
export async function followRequest(id: number, parts: FollowRequestParts): Promise<Outcome> {
  const { client, patience, view, signal, clock } = parts
  const followed = new Set<number>()
  let last: ApiBuild | undefined
  for (let polls = 0; ; polls++) {
    const request = await patience.through(() => client.get<ApiRequest>(`/requests/${id}`, {}, signal))
    const fresh = request.buildIds.toSorted((a, b) => a - b).filter((build) => !followed.has(build))
    for (const build of fresh) {
      last = await announcedBuild(build, parts)
      followed.add(build)
      // A build that ended otherwise than RETRY is the request's last.
      if (last.result !== null && last.result !== 'RETRY')
        return { request: id, build: last, result: last.result, reason: null }
    }
    if (fresh.length > 0) polls = 0
    else if (request.state === 'complete')
      return { request: id, build: last, result: request.result, reason: request.startFailure ?? null }
    else await view.waiting(request)
    await clock.sleep(Math.min(slowestPoll, 100 * 1.5 ** Math.min(polls, 20)), signal)
  }
}

async function announcedBuild(id: number, parts: FollowRequestParts): Promise<ApiBuild> {
  const { client, patience, view, signal } = parts
  await view.buildStarted(await patience.through(() => client.get<ApiBuild>(`/builds/${id}`, {}, signal)))
  const build = await followBuild(id, parts, { follow: true })
  await view.buildFinished(build)
  return build
}

/** Milliseconds between two looks at a request that waits; the first looks come sooner. */
const slowestPoll = 1000
