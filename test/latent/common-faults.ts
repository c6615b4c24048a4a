import type { FakeFault } from '../../workers/fake/index.ts'
import type { Random } from '../torture/random.ts'

/** What may go wrong in any call; a delay is at most `slowest` milliseconds. */
export function commonFaults(random: Random, { slowest }: { slowest: number }): FakeFault[] {
  return [
    { error: lostConnection },
    { error: lostConnection, done: true },
    { delay: random.between(100, slowest) },
    { hang: true },
    { hangAfter: true },
  ]
}

export const lostConnection = { message: 'the connection was reset' }
