import type { InstanceEffect, Situation, StartFailure, Transition } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'

/** The row with these changes; a new state notes its time. */
export function change(
  { moment, row }: Situation,
  changes: Partial<InstanceRow>,
  ...effects: InstanceEffect[]
): Transition {
  const changed = changes.state !== undefined && changes.state !== row.state
  return { row: { ...row, ...(changed ? { changedAt: moment.now } : {}), ...changes }, effects }
}

export function stop(situation: Situation, reason: string, ...before: InstanceEffect[]): Transition {
  const deadline = situation.moment.now + stopAgain
  const stopping = { state: 'stopping', stopReason: reason, retryAt: null, unseenSince: null } as const
  return change(situation, { ...stopping, deadline }, ...before, { do: 'stop' })
}

/** It never came to life. */
export function fail(situation: Situation, failure: StartFailure): Transition {
  return stop(situation, failure.message, { do: 'blame', failure })
}

/** It has come to its end by itself: what ran on it is retried. */
export function lose(situation: Situation, reason: string): Transition {
  return stop(situation, reason, { do: 'lose', reason })
}

/** Ends an idle one, with its agent's consent if it can be asked. */
export function retire(situation: Situation, reason: string, more: Partial<InstanceRow> = {}): Transition {
  const { connected, now } = situation.moment
  if (!connected) return stop(situation, reason)
  return change(situation, { ...more, stopReason: reason, deadline: now + consent }, { do: 'retire' })
}

/** It is made pristine: from now on only what is told to its next generation logs in. */
export function reset(situation: Situation): Transition {
  const { moment, row, rules } = situation
  const generation = row.generation + 1
  const fresh = { idleSince: null, retryAt: null, unseenSince: null, detail: null, changedAt: moment.now }
  const deadline = moment.now + rules.startTimeout
  return change(situation, { state: 'resetting', generation, ...fresh, deadline }, { do: 'reset' })
}

/** Its machine is shut down, and its agent with it, until a build wants it. */
export function park(situation: Situation): Transition {
  const fresh = { idleSince: null, retryAt: null, unseenSince: null } as const
  const deadline = situation.moment.now + parkTimeout
  return change(situation, { state: 'parking', ...fresh, deadline }, { do: 'park' })
}

/** Waiting for work from now on. */
export function idle({ moment, row, rules }: Situation): Partial<InstanceRow> {
  const fresh = { ...row, idleSince: moment.now }
  return {
    state: 'attached',
    idleSince: moment.now,
    retryAt: null,
    unseenSince: null,
    deadline: idleUntil({ moment, rules, row: fresh }),
  }
}

/** Another master looks after it: its agent has some time to find that one, even if its own is over. */
export function adopt(situation: Situation): Transition | undefined {
  const { moment, row } = situation
  const home = moment.now + homecoming
  return (row.deadline ?? home) < home ? change(situation, { deadline: home }) : undefined
}

/** A list shows it. */
export function seen(situation: Situation): Transition | undefined {
  return situation.row.unseenSince === null ? undefined : change(situation, { unseenSince: null })
}

/** A list does not show it. It is `over` when a second one does not either, after as long as lists may be behind. */
export function unseen(situation: Situation, asOf: number, over: Transition): Transition | undefined {
  const { row, rules } = situation
  if (row.unseenSince === null) return change(situation, { unseenSince: asOf })
  const isSure = asOf !== row.unseenSince && asOf - row.unseenSince >= rules.listLag
  return isSure ? over : undefined
}

/** When an idle one has waited for long enough. */
export function idleUntil({ moment, row, rules }: Situation): number {
  const old = row.createdAt + rules.maxAge
  if (rules.buildWaitTimeout < 0) return old
  const wait = row.builds === 0 ? Math.max(rules.buildWaitTimeout, firstBuild) : rules.buildWaitTimeout
  return Math.min((row.idleSince ?? moment.now) + wait, old)
}

/** Milliseconds until an instance that is being stopped is told so again, if no list shows it first. */
export const stopAgain = 60_000
/** How long the agents of a master that is gone may take to come to the next one. */
export const homecoming = 120_000
/** How long an agent may take to agree to end. */
const consent = 30_000
/** How long a new one waits for its first build, however short buildWaitTimeout is. */
export const firstBuild = 60_000
/** How long a machine may take to shut down. */
export const parkTimeout = 300_000

/** Why one is ended whose agent came with what an earlier generation knew. */
export const notPristine = 'it was not reset: its agent holds the login of an earlier generation'
/** Why one is ended that no list shows. */
export const notThere = 'it is not there any more'
