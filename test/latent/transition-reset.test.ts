import { expect, test } from 'vitest'
import type { Moment } from '../../src/latent/instance-event.ts'
import { transition } from '../../src/latent/transition.ts'
import type { InstanceState } from '../../src/model/instance-state.ts'
import { events, now, quiet, rowOf, rules, snapshots } from './instance-situations.ts'
import { nothing } from './transition-outcomes.ts'

/** Of instances that are made pristine after every build. */
const resets: [InstanceState, string, Partial<Moment>, string][] = [
  ['requested', 'started', {}, 'sealing seal'],
  ['requested', 'attached', {}, nothing],
  ['starting', 'attached', {}, nothing],
  // A master was killed between the start and its note of it.
  ['requested', 'listed one', {}, 'requested start'],
  ['resetting', 'attached', {}, nothing],
  ['resetting', 'attached', { isReset: true }, 'attached'],
  ['resetting', 'reset', { connected: false, isReset: true }, nothing],
  ['resetting', 'stale', {}, nothing],
  ['resetting', 'stale', { isReset: true }, 'stopping blame stop'],
  ['attached', 'attached', {}, 'resetting reset'],
  ['attached', 'buildEnded', {}, 'resetting reset'],
  ['attached', 'stale', {}, 'stopping lose stop'],
  ['busy', 'attached', {}, 'resetting reset'],
  ['busy', 'attached', { places: 1 }, 'busy'],
  ['busy', 'buildEnded', {}, 'resetting reset'],
  ['busy', 'buildEnded', { connected: false }, 'resetting reset'],
  ['busy', 'buildEnded', { places: 1 }, nothing],
  ['busy', 'stale', { places: 1 }, 'stopping lose stop'],
]

test.for(resets)('where machines are reset, %s, %s, %o: %s', ([state, name, more, expected]) => {
  const situation = { row: rowOf(state), rules: snapshots, moment: { ...quiet, ...more } }
  const decided = transition(situation, events[name]!)
  const told = decided
    ? [decided.row.state, ...decided.effects.map((effect) => effect.do)].join(' ')
    : nothing
  expect(told).toBe(expected)
})

test('a reset is of a new generation, and has as long as a start', () => {
  const row = rowOf('busy', { generation: 4, builds: 3 })
  const decided = transition({ row, rules: snapshots, moment: quiet }, { type: 'buildEnded' })!
  expect(decided.row).toMatchObject({ generation: 5, deadline: now + rules.startTimeout, idleSince: null })
})

test.for([
  ['it has had its 3 builds', { builds: 3, stopReason: 'it has had its 3 builds' }, {}],
  ['it is older than 86400 s', { createdAt: now - 86_400_000 }, {}],
  ['each build gets a fresh one', {}, { buildWaitTimeout: 0 }],
] as const)('one that is to end is not reset first: %s', ([reason, row, more]) => {
  const situation = { row: rowOf('busy', row), rules: { ...snapshots, ...more }, moment: quiet }
  const decided = transition(situation, { type: 'buildEnded' })!
  expect(decided.row.stopReason).toBe(reason)
  expect(decided.effects).toEqual([{ do: 'retire' }])
})
