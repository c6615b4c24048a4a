import type { Instance } from './backend.ts'
import type { InstanceEvent, Situation, StartFailure, Transition } from './instance-event.ts'
import {
  adopt,
  change,
  fail,
  firstBuild,
  idle,
  notPristine,
  notThere,
  reset,
  seen,
  stop,
  unseen,
} from './moves.ts'

/**
 * An instance that is made pristine: its snapshot is being taken, or it goes back to it; or one that was parked and is woken. It takes builds again only when both its
 * backend has said that this is done and its agent has logged in with what only the new generation was told.
 */
export function whileResetting(situation: Situation, event: InstanceEvent): Transition | undefined {
  const { moment, row } = situation
  switch (event.type) {
    case 'started':
      return change(situation, { ref: event.ref })
    case 'sealed':
      return row.state === 'sealing' ? reset(situation) : undefined
    case 'sealFailed':
      return row.state === 'sealing' ? giveUp(situation, event.failure) : undefined
    case 'reset':
      return isPresent(situation, event.generation) && moment.connected ? attach(situation) : undefined
    case 'resetFailed':
      return isPresent(situation, event.generation) ? giveUp(situation, event.failure) : undefined
    case 'attached':
      return row.state === 'resetting' && moment.isReset ? attach(situation) : undefined
    case 'stale':
      // Until it is reset its agent is the old one.
      return row.state === 'resetting' && moment.isReset ? passing(situation, notPristine) : undefined
    case 'adopted':
      return adopted(situation)
    case 'listed':
      return listed(situation, event.bearers, event.asOf)
    case 'forced':
    case 'unwanted':
      return stop(situation, event.reason)
    case 'time':
      return time(situation)
    case 'startFailed':
    case 'stopFailed':
    case 'detached':
    case 'reconfigured':
    case 'buildBegan':
    case 'buildEnded':
    case 'retired':
    case 'wake':
    case 'parkFailed':
      return undefined
  }
}

function isPresent({ row }: Situation, generation: number): boolean {
  return row.state === 'resetting' && row.generation === generation
}

function attach(situation: Situation): Transition {
  const { moment, row, rules } = situation
  const waiting = { ...idle(situation), detail: null }
  if (row.parkings === 0) return change(situation, waiting)
  // It was woken for a build, which may take a moment to come.
  const least = Math.min(moment.now + firstBuild, row.createdAt + rules.maxAge)
  return change(situation, { ...waiting, deadline: Math.max(waiting.deadline ?? 0, least) })
}

// What a master was doing when it was killed may be half done: it is done once more.
function adopted(situation: Situation): Transition {
  if (situation.row.state === 'resetting') return reset(situation)
  const { row } = adopt(situation) ?? situation
  return { row, effects: [{ do: 'seal' }] }
}

function listed(situation: Situation, bearers: readonly Instance[], asOf: number): Transition | undefined {
  if (bearers.length > 1) return passing(situation, `there are ${bearers.length} machines with its id`)
  const [bearer] = bearers
  if (bearer?.state === 'failed') return passing(situation, bearer.detail ?? 'it ended by itself')
  if (bearer) return seen(situation)
  if (asOf <= situation.row.changedAt) return undefined
  return unseen(situation, asOf, passing(situation, notThere))
}

function time(situation: Situation): Transition | undefined {
  const { moment, row, rules } = situation
  if (row.deadline === null || moment.now < row.deadline) return undefined
  const back =
    row.parkings > 0 ? 'it was woken, and its agent did not come' : 'it was not back from its reset'
  const what = row.state === 'sealing' ? 'its snapshot was not ready' : back
  return passing(situation, `${what} within ${rules.startTimeout / 1000} s`)
}

function passing(situation: Situation, message: string): Transition {
  return giveUp(situation, { code: 'PASSING', message })
}

// A new one before its first build counts as a start that came to nothing, so that the next one does not come at once.
function giveUp(situation: Situation, failure: StartFailure): Transition {
  const { builds, parkings } = situation.row
  return builds === 0 && parkings === 0 ? fail(situation, failure) : stop(situation, failure.message)
}
