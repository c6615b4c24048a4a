import { expect, test } from 'vitest'
import type { InstanceEvent, InstanceRules, Moment } from '../../src/latent/instance-event.ts'
import type { InstanceRow } from '../../src/latent/instance-row.ts'
import { transition } from '../../src/latent/transition.ts'
import type { InstanceState } from '../../src/model/instance-state.ts'
import { bearer, events, now, parks, quiet, rowOf } from './instance-situations.ts'
import { nothing } from './transition-outcomes.ts'

const due = { deadline: now, idleSince: now - 600_000, createdAt: now - 700_000 }
const time: InstanceEvent = { type: 'time' }
const later = (state: 'running' | 'stopped' | 'failed'): InstanceEvent => ({
  type: 'listed',
  bearers: [bearer(state)],
  asOf: now + 5000,
})

test.for<[InstanceState, Partial<InstanceRow>, InstanceEvent, Partial<Moment>, string]>([
  // Only idleness is a reason to park.
  ['attached', due, time, {}, 'parking park'],
  ['attached', due, time, { kept: true }, 'attached'],
  ['attached', due, time, { connected: false }, 'stopping stop'],
  ['attached', { ...due, createdAt: now - 86_400_000 }, time, {}, 'attached retire'],
  ['attached', { ...due, stopReason: 'its template was changed' }, time, {}, 'stopping stop'],
  ['attached', {}, events.unwanted!, {}, 'attached retire'],
  ['busy', { stopReason: 'it has had its 3 builds' }, events.buildEnded!, {}, 'attached retire'],
  ['busy', {}, events.buildEnded!, {}, 'attached'],
  // It is parked once a list that was asked for afterwards shows it so.
  ['parking', { changedAt: now }, later('running'), {}, nothing],
  ['parking', { changedAt: now }, events['listed stopped']!, {}, nothing],
  ['parking', { changedAt: now }, later('stopped'), {}, 'parked'],
  ['parking', {}, events.retired!, {}, nothing],
  ['parking', {}, events.wake!, {}, nothing],
  ['parking', {}, events.parkFailed!, {}, 'stopping stop'],
  ['parking', { deadline: now }, time, {}, 'stopping stop'],
  ['parking', {}, events.adopted!, {}, 'parking park'],
  ['parking', {}, later('failed'), {}, 'stopping stop'],
  // A machine that runs although it is parked would cost money unseen.
  ['parked', { changedAt: now }, later('running'), {}, 'stopping stop'],
  ['parked', { changedAt: now + 1 }, later('running'), {}, nothing],
  ['parked', { changedAt: now }, later('stopped'), {}, nothing],
  ['parked', { changedAt: now }, later('failed'), {}, 'stopping stop'],
  ['parked', { unseenSince: 0 }, later('stopped'), {}, 'parked'],
  ['parked', { unseenSince: 0 }, events['listed none']!, {}, 'stopping stop'],
  ['parked', { unseenSince: now - 1 }, events['listed none']!, {}, nothing],
  ['parked', { deadline: now }, time, {}, 'stopping stop'],
  ['parked', { deadline: 86_400_000 }, events.adopted!, {}, nothing],
  ['parked', { deadline: 1 }, events.adopted!, {}, 'parked'],
  ['parked', { deadline: 1 }, events.reconfigured!, {}, 'parked'],
  ['parked', {}, events.stale!, {}, nothing],
  ['parked', {}, events.unwanted!, {}, 'stopping stop'],
  ['parked', {}, events.wake!, { connected: false }, 'resetting reset'],
  // A woken one is listed as stopped for a moment, and is no start of its template.
  ['resetting', { parkings: 1 }, later('stopped'), {}, nothing],
  ['resetting', { parkings: 1 }, events.resetFailed!, {}, 'stopping stop'],
  ['resetting', { parkings: 1, deadline: now }, time, {}, 'stopping stop'],
  ['resetting', { parkings: 1 }, events.adopted!, {}, 'resetting reset'],
  // Somebody has stopped it by hand.
  ['attached', {}, later('stopped'), { connected: false }, 'stopping lose stop'],
  ['busy', {}, later('stopped'), { connected: false }, 'stopping lose stop'],
])('where idle ones are parked, %s %o, %o, %o: %s', ([state, more, event, moment, expected]) => {
  const rules: InstanceRules = parks
  const decided = transition({ row: rowOf(state, more), rules, moment: { ...quiet, ...moment } }, event)
  const told = decided
    ? [decided.row.state, ...decided.effects.map((effect) => effect.do)].join(' ')
    : nothing
  expect(told).toBe(expected)
})

test('a parked one has until it is too old, and is counted', () => {
  const row = rowOf('parking', { parkings: 2, createdAt: 7 })
  const decided = transition({ row, rules: parks, moment: quiet }, later('stopped'))!
  expect(decided.row).toMatchObject({ parkings: 3, deadline: 7 + parks.maxAge, changedAt: now })
})

test('a woken one is of a new generation, and waits a minute for its build, however short it may be idle', () => {
  const row = rowOf('parked', { parkings: 1, builds: 3, generation: 4 })
  const rules = { ...parks, buildWaitTimeout: 1000 }
  const woken = transition({ row, rules, moment: quiet }, events.wake!)!.row
  expect(woken).toMatchObject({ generation: 5, deadline: now + rules.startTimeout })
  const moment = { ...quiet, isReset: true }
  const back = transition({ row: woken, rules, moment }, events.attached!)!.row
  expect(back).toMatchObject({ state: 'attached', deadline: now + 60_000 })
})

test('one that has had its builds, the last of which a killed master has not noted, ends once its agent agrees', () => {
  const row = rowOf('busy', { stopReason: 'it has had its 2 builds' })
  const asked = transition({ row, rules: parks, moment: quiet }, events.attached!)!
  expect(asked).toMatchObject({ row: { state: 'attached', stopReason: 'it has had its 2 builds' } })
  expect(asked.effects).toEqual([{ do: 'retire' }])
  const agreed = transition({ row: asked.row, rules: parks, moment: quiet }, events.retired!)!
  expect(agreed.row.state).toBe('stopping')
})
