import type { InstanceEvent, Situation, Transition } from './instance-event.ts'
import { change, stopAgain, unseen } from './moves.ts'

/** An instance that is to end: gone only once two lists, listLag apart, show nothing of it. */
export function whileStopping(situation: Situation, event: InstanceEvent): Transition | undefined {
  const { moment, row } = situation
  switch (event.type) {
    case 'started':
      return change(situation, { ref: event.ref, unseenSince: null }, { do: 'stop' })
    case 'startFailed':
      // It may have begun to exist all the same.
      return change(situation, { unseenSince: null }, { do: 'stop' })
    case 'stopFailed':
      return change(situation, { detail: `it could not be stopped: ${event.message}` })
    case 'listed': {
      if (event.bearers.length > 0) return change(situation, { unseenSince: null }, { do: 'stop' })
      // Builds that an earlier master began on it cannot go on.
      const reason = row.stopReason ?? 'its instance is gone'
      const gone = change(situation, { state: 'gone', deadline: null }, { do: 'lose', reason })
      return unseen(situation, event.asOf, gone)
    }
    case 'time': {
      if (row.deadline === null || moment.now < row.deadline) return undefined
      return change(situation, { deadline: moment.now + stopAgain }, { do: 'stop' })
    }
    case 'adopted':
    case 'reconfigured':
    case 'attached':
    case 'detached':
    case 'buildBegan':
    case 'buildEnded':
    case 'forced':
    case 'unwanted':
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
