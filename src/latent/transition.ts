import type { InstanceEvent, Situation, Transition } from './instance-event.ts'
import { whileLive } from './while-live.ts'
import { whileParked } from './while-parked.ts'
import { whileResetting } from './while-resetting.ts'
import { whileStarting } from './while-starting.ts'
import { whileStopping } from './while-stopping.ts'

/**
 * Decides what an event means for an instance; undefined: nothing. Pure: who calls it stores the row first and acts then. The
 * drawing is in instance-row.ts.
 */
export function transition(situation: Situation, event: InstanceEvent): Transition | undefined {
  switch (situation.row.state) {
    case 'requested':
    case 'starting':
      return whileStarting(situation, event)
    case 'sealing':
    case 'resetting':
      return whileResetting(situation, event)
    case 'attached':
    case 'busy':
      return whileLive(situation, event)
    case 'parking':
    case 'parked':
      return whileParked(situation, event)
    case 'stopping':
      return whileStopping(situation, event)
    case 'gone':
      return undefined
  }
}
