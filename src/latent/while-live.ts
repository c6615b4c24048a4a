import type { Instance } from './backend.ts'
import type { InstanceEvent, Situation, Transition } from './instance-event.ts'
import {
  adopt,
  change,
  homecoming,
  idle,
  idleUntil,
  lose,
  notPristine,
  notThere,
  park,
  reset,
  retire,
  seen,
  stop,
  unseen,
} from './moves.ts'

/** An instance whose agent was there: idle or with builds. */
export function whileLive(situation: Situation, event: InstanceEvent): Transition | undefined {
  switch (event.type) {
    case 'started':
      return change(situation, { ref: event.ref })
    case 'attached':
      return attached(situation)
    case 'detached':
      return detached(situation)
    case 'adopted':
      return adopted(situation)
    case 'reconfigured':
      return reconfigured(situation)
    case 'buildBegan':
      return buildBegan(situation)
    case 'buildEnded':
      // What a master that was killed has not noted may have run there all the same.
      if (situation.row.state !== 'busy' && situation.rules.reset === null) return undefined
      return buildEnded(situation)
    case 'listed':
      return listed(situation, event.bearers, event.asOf)
    case 'unwanted':
      return unwanted(situation, event.reason)
    case 'forced':
      return stop(situation, event.reason)
    case 'retired':
      if (situation.row.state === 'busy' || situation.moment.places > 0) return undefined
      return stop(situation, situation.row.stopReason ?? 'its agent wanted to end')
    case 'time':
      return time(situation)
    case 'stale':
      return lose(situation, notPristine)
    case 'startFailed':
    case 'stopFailed':
    case 'sealed':
    case 'sealFailed':
    case 'reset':
    case 'resetFailed':
    case 'wake':
    case 'parkFailed':
      return undefined
  }
}

function attached(situation: Situation): Transition {
  const { moment, row } = situation
  const fresh = { unseenSince: null }
  if (row.state === 'busy' && moment.places > 0)
    return change(situation, { ...fresh, deadline: lookAt(situation) })
  // A master was killed between the claim of a build and this row.
  if (moment.places > 0) return buildBegan(situation)
  // Of a busy one, a killed master has not noted the end of its last build.
  if (row.stopReason !== null)
    return retire(situation, row.stopReason, row.state === 'busy' ? idle(situation) : fresh)
  // Nobody knows for sure what has happened there meanwhile.
  if (situation.rules.reset !== null) return reset(situation)
  if (row.state === 'busy') return change(situation, idle(situation))
  return change(situation, { ...fresh, deadline: idleUntil(situation) })
}

function detached(situation: Situation): Transition {
  const { moment, row, rules } = situation
  const back = moment.now + rules.maxDisconnected
  return change(situation, { deadline: row.state === 'busy' ? back : Math.min(row.deadline ?? back, back) })
}

function adopted(situation: Situation): Transition | undefined {
  const { row } = situation
  if (row.state === 'busy') return detached(situation)
  // Its agent was asked to end, and may have done so.
  return row.stopReason === null ? adopt(situation) : undefined
}

function reconfigured(situation: Situation): Transition | undefined {
  const { moment, row } = situation
  if (row.state === 'busy' || row.stopReason !== null || !moment.connected) return undefined
  const deadline = idleUntil(situation)
  return deadline === row.deadline ? undefined : change(situation, { deadline })
}

function buildBegan(situation: Situation): Transition {
  const { row, rules } = situation
  const builds = row.builds + 1
  const last = builds >= rules.maxBuilds ? `it has had its ${rules.maxBuilds} builds` : null
  const stopReason = row.stopReason ?? last
  return change(situation, {
    state: 'busy',
    builds,
    stopReason,
    idleSince: null,
    deadline: lookAt(situation),
  })
}

function buildEnded(situation: Situation): Transition | undefined {
  const { moment, row, rules } = situation
  if (moment.places > 0) return undefined
  const fresh = rules.buildWaitTimeout === 0 ? 'each build gets a fresh one' : null
  const reason = row.stopReason ?? tooOld(situation) ?? fresh
  if (reason !== null) return retire(situation, reason, idle(situation))
  if (rules.reset !== null) return reset(situation)
  const waiting = idle(situation)
  if (moment.connected) return change(situation, waiting)
  // The end of its build was known without it: it may be on its way to the master that took the build up.
  return change(situation, { ...waiting, deadline: Math.max(waiting.deadline ?? 0, moment.now + homecoming) })
}

function listed(situation: Situation, bearers: readonly Instance[], asOf: number): Transition | undefined {
  if (bearers.length > 1) return lose(situation, `there are ${bearers.length} machines with its id`)
  const [bearer] = bearers
  // An agent that is connected is better evidence than a list.
  const isOff = bearer?.state === 'failed' || bearer?.state === 'stopped'
  if (situation.moment.connected || (bearer && !isOff)) return seen(situation)
  if (bearer) return lose(situation, bearer.detail ?? 'it ended by itself')
  return unseen(situation, asOf, lose(situation, notThere))
}

function unwanted(situation: Situation, reason: string): Transition | undefined {
  const { moment, row } = situation
  if (row.stopReason !== null) return undefined
  if (row.state === 'busy' || moment.places > 0) return change(situation, { stopReason: reason })
  return retire(situation, reason)
}

function time(situation: Situation): Transition | undefined {
  const { moment, row, rules } = situation
  const { connected, kept, now, places } = moment
  if (row.deadline === null || now < row.deadline) return undefined
  const away = 'its agent has been away for too long'
  if (row.state === 'busy' || places > 0) {
    if (!connected) return lose(situation, away)
    if (places === 0) return buildEnded(situation)
    const stopReason = row.stopReason ?? tooOld(situation)
    return change(situation, { stopReason, deadline: lookAt(situation) })
  }
  if (row.stopReason !== null) return stop(situation, row.stopReason)
  if (!connected) return stop(situation, away)
  const old = tooOld(situation)
  if (old !== null) return retire(situation, old)
  const until = idleUntil(situation)
  if (now < until) return change(situation, { deadline: until })
  if (kept) return change(situation, { deadline: Math.min(now + keptLook, row.createdAt + rules.maxAge) })
  if (rules.park) return park(situation)
  return retire(situation, `it was idle for ${Math.round((now - (row.idleSince ?? now)) / 1000)} s`)
}

/** When one with builds is looked at although nothing happens. */
function lookAt({ moment: { now }, row, rules }: Situation): number {
  const old = row.createdAt + rules.maxAge
  return old > now ? Math.min(now + busyLook, old) : now + busyLook
}

function tooOld({ moment, row, rules }: Situation): string | null {
  return moment.now - row.createdAt >= rules.maxAge ? `it is older than ${rules.maxAge / 1000} s` : null
}

const busyLook = 600_000
const keptLook = 60_000
