import type { Instance } from './backend.ts'
import type { InstanceEvent, Situation, Transition } from './instance-event.ts'
import { change, notThere, parkTimeout, reset, seen, stop, unseen } from './moves.ts'

/**
 * An instance that nobody needed: its machine is shut down with its disk, or is about to be, until a build wants it. Whatever is
 * not as it should be ends it: a machine that runs although it is parked would cost money unseen.
 */
export function whileParked(situation: Situation, event: InstanceEvent): Transition | undefined {
  switch (event.type) {
    case 'started':
      return change(situation, { ref: event.ref })
    case 'wake':
      return situation.row.state === 'parked' ? reset(situation) : undefined
    case 'parkFailed':
      return situation.row.state === 'parking' ? stop(situation, event.failure.message) : undefined
    case 'listed':
      return listed(situation, event.bearers, event.asOf)
    case 'forced':
    case 'unwanted':
      return stop(situation, event.reason)
    case 'adopted':
      return adopted(situation)
    case 'reconfigured':
      return reconfigured(situation)
    case 'time':
      return time(situation)
    // Its agent goes when the machine is shut down.
    case 'attached':
    case 'detached':
    case 'retired':
    case 'stale':
    case 'startFailed':
    case 'stopFailed':
    case 'buildBegan':
    case 'buildEnded':
    case 'sealed':
    case 'sealFailed':
    case 'reset':
    case 'resetFailed':
      return undefined
  }
}

function listed(situation: Situation, bearers: readonly Instance[], asOf: number): Transition | undefined {
  const { row, rules } = situation
  if (bearers.length > 1) return stop(situation, `there are ${bearers.length} machines with its id`)
  const [bearer] = bearers
  if (!bearer) return asOf <= row.changedAt ? undefined : unseen(situation, asOf, stop(situation, notThere))
  if (bearer.state === 'failed') return stop(situation, bearer.detail ?? 'it ended by itself')
  if (row.state === 'parking' && bearer.state === 'stopped' && asOf > row.changedAt) return parked(situation)
  const runs = bearer.state === 'starting' || bearer.state === 'running'
  if (row.state === 'parked' && runs && asOf - row.changedAt >= rules.listLag)
    return stop(situation, 'its machine runs although nothing has woken it')
  return seen(situation)
}

function parked(situation: Situation): Transition {
  const { row, rules } = situation
  const deadline = row.createdAt + rules.maxAge
  return change(situation, { state: 'parked', parkings: row.parkings + 1, unseenSince: null, deadline })
}

// Whether a master that was killed had asked for it is not known: it can be asked for again.
function adopted(situation: Situation): Transition | undefined {
  const { moment, row } = situation
  if (row.state === 'parked') return reconfigured(situation)
  return reconfigured(situation) ?? change(situation, { deadline: moment.now + parkTimeout }, { do: 'park' })
}

function reconfigured(situation: Situation): Transition | undefined {
  const { row, rules } = situation
  if (!rules.park) return stop(situation, 'its worker keeps no stopped machines any more')
  const deadline = row.createdAt + rules.maxAge
  if (row.state === 'parking' || row.deadline === deadline) return undefined
  return change(situation, { deadline })
}

function time(situation: Situation): Transition | undefined {
  const { moment, row, rules } = situation
  if (row.deadline === null || moment.now < row.deadline) return undefined
  if (row.state === 'parked') return stop(situation, `it is older than ${rules.maxAge / 1000} s`)
  return stop(situation, `it was not shut down within ${parkTimeout / 1000} s`)
}
