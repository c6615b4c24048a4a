import type { InstanceState } from '../model/instance-state.ts'

/** What of an instance's row says why it is as it is. Times are milliseconds since the epoch. */
export interface InstanceStory {
  readonly state: InstanceState
  readonly attempt: number
  readonly detail: string | null
  readonly deadline: number | null
  readonly retryAt: number | null
  readonly parkings: number
  readonly stopReason: string | null
  readonly runningBuilds: readonly number[]
}

/** One sentence for people: 'attempt 3, next try in 40 s: connection refused'. */
export function whyInstance(story: InstanceStory, now: number): string {
  const { deadline, detail, runningBuilds, state, stopReason } = story
  switch (state) {
    case 'requested':
    case 'starting':
      return starting(story, now)
    case 'sealing':
      return `its pristine snapshot is being taken${within(deadline, now)}`
    case 'resetting':
      return `${story.parkings > 0 ? 'is waking' : 'is being reset'} for its next build${within(deadline, now)}`
    case 'parking':
      return `its machine is shut down until a build wants it${within(deadline, now)}`
    case 'parked':
      return `its machine is stopped until a build wants it${deadline === null ? '' : `, ends in ${seconds(deadline, now)}`}`
    case 'attached':
      if (stopReason !== null) return `asks its agent to end: ${stopReason}`
      return `idle${deadline === null ? '' : `, stops in ${seconds(deadline, now)}`}`
    case 'busy': {
      const running = runningBuilds.length === 0 ? 'ends its last build' : `runs ${builds(runningBuilds)}`
      return stopReason === null ? running : `${running}, then ends: ${stopReason}`
    }
    case 'stopping':
      // What the provider said of its life is no news any more, but that it cannot be stopped is.
      return [stopReason, detail?.startsWith('it could not be stopped') ? detail : null]
        .filter((part) => part !== null)
        .join('; ')
    case 'gone':
      return stopReason ?? 'ended'
  }
}

function starting({ attempt, deadline, detail, retryAt, state }: InstanceStory, now: number): string {
  const tries = attempt > 1 ? `attempt ${attempt}, ` : ''
  if (retryAt !== null)
    return `${tries}next try in ${seconds(retryAt, now)}${detail === null ? '' : `: ${detail}`}`
  const what = state === 'requested' ? 'is asked for' : 'waits for its agent'
  return `${tries}${what}${within(deadline, now)}`
}

function within(deadline: number | null, now: number): string {
  return deadline === null ? '' : `, for at most ${seconds(deadline, now)}`
}

function seconds(time: number, now: number): string {
  return `${Math.max(0, Math.ceil((time - now) / 1000))} s`
}

function builds(ids: readonly number[]): string {
  return `${ids.length === 1 ? 'build' : 'builds'} ${ids.join(', ')}`
}
