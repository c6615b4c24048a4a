import type { Instance } from './backend.ts'
import type { InstanceEvent, Situation, StartFailure, Transition } from './instance-event.ts'
import { adopt, change, fail, idle, stop } from './moves.ts'

/** An instance whose agent is not there yet. */
export function whileStarting(situation: Situation, event: InstanceEvent): Transition | undefined {
  switch (event.type) {
    case 'started':
      return started(situation, event.ref, event.detail ?? null)
    case 'startFailed':
      return startFailed(situation, event.failure, event.retryAt)
    case 'attached':
      // Before its snapshot nothing may have logged in.
      if (situation.rules.reset === 'snapshot') return undefined
      return change(situation, { ...idle(situation), detail: null })
    case 'listed':
      return listed(situation, event.bearers, event.asOf)
    case 'forced':
    case 'unwanted':
      return stop(situation, event.reason)
    case 'adopted':
      return adopt(situation)
    case 'time':
      return time(situation)
    case 'stopFailed':
    case 'detached':
    case 'reconfigured':
    case 'buildBegan':
    case 'buildEnded':
    case 'retired':
    case 'sealed':
    case 'sealFailed':
    case 'reset':
    case 'resetFailed':
    case 'wake':
    case 'parkFailed':
    case 'stale':
      return undefined
  }
}

function started(situation: Situation, ref: string, detail: string | null): Transition {
  const running = { retryAt: null, ref, detail }
  return situation.rules.reset === 'snapshot'
    ? change(situation, { state: 'sealing', ...running }, { do: 'seal' })
    : change(situation, { state: 'starting', ...running })
}

function startFailed(situation: Situation, failure: StartFailure, retryAt: number): Transition {
  const { row, rules } = situation
  if (failure.code !== 'PASSING' || row.attempt >= rules.maxStartAttempts) return fail(situation, failure)
  const again = { state: 'requested', attempt: row.attempt + 1, retryAt, detail: failure.message } as const
  return change(situation, { ...again, deadline: retryAt + rules.startTimeout }, { do: 'blame', failure })
}

function listed(situation: Situation, bearers: readonly Instance[], asOf: number): Transition | undefined {
  const { moment, row, rules } = situation
  if (bearers.length > 1)
    return fail(situation, { code: 'PASSING', message: `there are ${bearers.length} machines with its id` })
  const [bearer] = bearers
  if (bearer?.state === 'failed' || bearer?.state === 'stopped')
    return fail(situation, { code: 'PASSING', message: bearer.detail ?? 'it ended by itself' })
  // Nobody finishes what a master was making when it was killed, unless the provider is asked for it again.
  const halfMade = row.state === 'requested' && (bearer?.state === 'starting' || rules.reset === 'snapshot')
  if ((bearer && !halfMade) || row.retryAt !== null || asOf <= row.changedAt) return undefined
  if (asOf - row.changedAt < rules.listLag) return undefined
  // Not there although the answer said so, or the master was killed before it asked: the same id again.
  return change(situation, { changedAt: moment.now }, { do: 'start' })
}

function time(situation: Situation): Transition | undefined {
  const { moment, row, rules } = situation
  if (row.retryAt !== null && moment.now >= row.retryAt)
    return change(situation, { retryAt: null, changedAt: moment.now }, { do: 'start' })
  if (row.deadline === null || moment.now < row.deadline) return undefined
  const what = row.state === 'starting' ? 'its agent did not come' : 'it was not started'
  const why = row.detail === null ? '' : `: ${row.detail}`
  return fail(situation, { code: 'PASSING', message: `${what} within ${rules.startTimeout / 1000} s${why}` })
}
