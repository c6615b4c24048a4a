import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Instance } from '../../src/latent/backend.ts'
import type { InstanceEvent, InstanceRules, Moment } from '../../src/latent/instance-event.ts'
import { instanceStates } from '../../src/model/instance-state.ts'
import { transition } from '../../src/latent/transition.ts'
import { bearer, events, now, parks, quiet, rowOf, rules, snapshots } from './instance-situations.ts'
import { nothing, outcomes } from './transition-outcomes.ts'

const table = outcomes(Object.keys(events))

describe('the table of the states', () => {
  test.for(instanceStates.flatMap((state) => Object.keys(events).map((name) => [state, name] as const)))(
    '%s, %s',
    ([state, name]) => {
      const decided = transition({ row: rowOf(state), rules, moment: quiet }, events[name]!)
      const told = decided
        ? [decided.row.state, ...decided.effects.map((effect) => effect.do)].join(' ')
        : nothing
      expect(told).toBe(table[state][name])
    },
  )
})

test.for([
  ['requested', {}, 'stopping blame stop'],
  ['starting', {}, 'stopping blame stop'],
  ['requested', { retryAt: now, deadline: now + 1 }, 'requested start'],
  ['sealing', {}, 'stopping blame stop'],
  ['resetting', {}, 'stopping blame stop'],
  ['resetting', { builds: 1 }, 'stopping stop'],
  ['attached', { idleSince: 0, createdAt: 0 }, 'attached retire'],
  ['attached', { stopReason: 'it was asked' }, 'stopping stop'],
  ['busy', {}, 'attached'],
  ['stopping', {}, 'stopping stop'],
] as const)('at its deadline, %s %o: %s', ([state, more, expected]) => {
  const decided = transition(
    { row: rowOf(state, { deadline: now, ...more }), rules, moment: quiet },
    { type: 'time' },
  )!
  expect([decided.row.state, ...decided.effects.map((effect) => effect.do)].join(' ')).toBe(expected)
})

test('whose build ended before its agent came to the next master, waits for that agent, however short it may be idle', () => {
  const short = { ...rules, buildWaitTimeout: 1000 }
  const endOf = (connected: boolean) =>
    transition(
      { row: rowOf('busy', { builds: 1 }), rules: short, moment: { ...quiet, connected } },
      { type: 'buildEnded' },
    )!.row
  expect(endOf(true)).toMatchObject({ state: 'attached', deadline: now + 1000 })
  expect(endOf(false)).toMatchObject({ state: 'attached', deadline: now + 120_000 })
})

const moments = fc.record({
  step: fc.integer({ min: 0, max: 700_000 }),
  connected: fc.boolean(),
  isReset: fc.boolean(),
  places: fc.integer({ min: 0, max: 2 }),
  kept: fc.boolean(),
})
const bearers = fc.array(
  fc
    .constantFrom<Instance['state']>('starting', 'running', 'failed', 'stopped', 'stopping')
    .map((state) => bearer(state)),
  { maxLength: 2 },
)
const anyEvent = fc.oneof(
  ...Object.values(events).map((event) => fc.constant(event)),
  fc.constant<InstanceEvent>({ type: 'time' }),
  bearers.map((found): InstanceEvent => ({ type: 'listed', bearers: found, asOf: 0 })),
)
const life = fc.array(fc.tuple(anyEvent, moments), { maxLength: 60 })

/** Every row of a life of random events, with the event that made it. */
function* lived(story: [InstanceEvent, Omit<Moment, 'now'> & { step: number }][], rules: InstanceRules) {
  let row = rowOf('requested', { createdAt: now, changedAt: now })
  let time = now
  for (const [event, { step, ...rest }] of story) {
    time += step
    const happened = event.type === 'listed' ? { ...event, asOf: time } : event
    const decided = transition({ row, rules, moment: { now: time, ...rest } }, happened)
    const { isReset } = rest
    const after = decided?.row ?? row
    yield { before: row, after, event: happened, effects: decided?.effects ?? [], time, isReset }
    row = decided?.row ?? row
  }
}

describe.each([
  ['never', rules],
  ['by a snapshot', snapshots],
  ['by its boot', { ...rules, reset: 'boot' }],
  ['never, and parked', parks],
] as [string, InstanceRules][])('whatever happens to an instance that is reset %s', (_, rules) => {
  test('only one that is gone has no deadline', () => {
    fc.assert(
      fc.property(life, (story) => {
        for (const { after } of lived(story, rules))
          expect(after.deadline === null).toBe(after.state === 'gone')
      }),
      { numRuns: 2000 },
    )
  })

  test('it is gone only after two lists in a row, at least listLag apart, without it, and stays so', () => {
    fc.assert(
      fc.property(life, (story) => {
        let empty: number | undefined
        for (const { after, before, event, time } of lived(story, rules)) {
          const isEmpty = event.type === 'listed' && event.bearers.length === 0
          if (before.state !== 'gone' && after.state === 'gone') {
            expect(before.state).toBe('stopping')
            expect(isEmpty && time - empty! >= rules.listLag).toBe(true)
          }
          if (before.state === 'gone') expect(after).toBe(before)
          if (event.type === 'listed') empty = isEmpty ? (empty ?? time) : undefined
          if (after.state !== before.state) empty = undefined
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('whatever stops comes with an order to stop, and does not come back to life', () => {
    fc.assert(
      fc.property(life, (story) => {
        for (const { after, before, effects } of lived(story, rules)) {
          if (before.state === 'stopping') expect(['stopping', 'gone']).toContain(after.state)
          else if (after.state === 'stopping') expect(effects).toContainEqual({ do: 'stop' })
          if (after.state === 'stopping') expect(after.stopReason).not.toBe(null)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('one whose agent is connected and that has builds is stopped only by force, or when there are two of it', () => {
    fc.assert(
      fc.property(life, (story) => {
        const told = story.map(
          ([event, moment]) => [event, { ...moment, connected: true, places: 1 }] as const,
        )
        for (const { after, before, event } of lived(told as typeof story, rules)) {
          if (before.state !== 'busy' || after.state !== 'stopping') continue
          const isDouble = event.type === 'listed' && event.bearers.length > 1
          expect(isDouble || event.type === 'forced' || event.type === 'stale').toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })
  test('if nothing more happens than time and empty lists, it comes to its end', () => {
    fc.assert(
      fc.property(life, (story) => {
        let row = rowOf('requested', { createdAt: now, changedAt: now })
        let time = now
        for (const { after, time: at } of lived(story, rules)) [row, time] = [after, at]
        for (let looks = 0; row.state !== 'gone'; looks++) {
          expect(looks).toBeLessThan(1000)
          time = Math.max(time + 10_000, Math.min(row.deadline!, row.retryAt ?? Infinity))
          const moment = { now: time, connected: false, isReset: false, places: 0, kept: false }
          for (const event of [
            { type: 'time' },
            { type: 'listed', bearers: [], asOf: time },
          ] as InstanceEvent[])
            row = transition({ row, rules, moment }, event)?.row ?? row
        }
      }),
      { numRuns: 500 },
    )
  })

  test('none takes a build after another without a reset between them, where builds are to be that', () => {
    fc.assert(
      fc.property(life, (story) => {
        let generationOfLastBuild = 0
        for (const { after, before, event, isReset } of lived(story, rules)) {
          if (rules.reset === null) return
          if (before.state === 'resetting' && after.state === 'attached')
            expect(isReset || event.type === 'reset').toBe(true)
          if (event.type === 'buildEnded' && before.state === 'busy' && after.state === 'attached')
            expect(after.stopReason).not.toBe(null)
          if (before.state !== 'attached' || after.state !== 'busy') continue
          expect(after.generation > generationOfLastBuild || before.stopReason !== null).toBe(true)
          generationOfLastBuild = after.generation
        }
      }),
      { numRuns: 2000 },
    )
  })
})
