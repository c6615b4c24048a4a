import pino from 'pino'
import { expect, test } from 'vitest'
import { HookedBuilder } from '../../src/builds/hooked-builder.ts'
import type { BuilderHooks } from '../../src/config/types.ts'
import type { EventBody } from '../../src/model/events.ts'
import { step } from '../../src/steps/step.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { testWorker } from '../helpers/test-worker.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { sharedCore } from './test-core.ts'

const ids: number[] = []
const core = sharedCore(
  { workers: [], builders: [{ name: 'unit', workers: [], steps: [step('x', async () => {})] }] },
  async (opened) => {
    for (let i = 0; i < 120; i++) ids.push(await opened.submit('unit', 'main', { origin: 'force' }))
  },
)

function hooked(hooks: BuilderHooks) {
  const clock = new ManualClock()
  const events: EventBody[] = []
  const log = pino({ level: 'silent' })
  const publish = (event: EventBody) => void events.push(event)
  let answers = 0
  const builder = new HookedBuilder({
    builder: 'unit',
    hooks: () => hooks,
    tools: { clock, db: core().db, log, publish },
    answered: () => answers++,
  })
  const pending = (id: number) => ({ id, builder: 'unit', priority: 0, notBefore: 0, avoidWorker: undefined })
  const workers = [testWorker('a'), testWorker('b')]
  const offer = { requests: () => ids.slice(0, 100).map(pending), workersFor: () => workers }
  const choose = () => builder.choice(clock.now(), offer)
  const answered = (count: number) => waitFor(`${count} answers`, () => answers >= count)
  return { answered, builder, choose, clock, events }
}
const never = new Promise<never>(() => {})

test('functions are asked once, with at most 100 requests, and their choice stands until it is started', async () => {
  const shown: number[] = []
  const { answered, builder, choose } = hooked({
    nextBuild: (requests) => {
      shown.push(requests.length)
      return requests[5]
    },
    nextWorker: () => 'b',
  })
  expect(choose()).toBeUndefined()
  expect(choose()).toBeUndefined()
  await answered(1)
  for (let i = 0; i < 2; i++) {
    const { request, workers } = choose()!
    expect([request.id, workers.map((w) => w.name)]).toEqual([ids[5], ['b']])
  }
  expect(shown).toEqual([100])
  builder.started()
  expect(choose()).toBeUndefined()
  await answered(2)
  expect(shown).toEqual([100, 100])
})

test('one that does not answer within 10 s gives way to the usual order', async () => {
  const { answered, choose, clock } = hooked({ nextBuild: () => never })
  choose()
  await waitFor('the deadline', () => clock.sleeping === 1)
  clock.advance(10_000)
  await answered(1)
  expect(choose()).toMatchObject({ request: { id: ids[0] }, workers: [{ name: 'a' }] })
})

test('one that refuses is asked again after a second; why a request waits is told once', async () => {
  let asked = 0
  const { answered, builder, choose, clock, events } = hooked({
    nextBuild: () => ids[0],
    canStartBuild: () => ++asked > 4,
  })
  const reason = "waits: its builder's canStartBuild said no"
  for (let round = 1; round <= 2; round++) {
    choose()
    await answered(round)
    expect(builder.reason(ids[0]!)).toBe(reason)
    expect(builder.restsUntil).toBe(clock.now() + 1000)
    expect(choose()).toBeUndefined()
    clock.advance(1000)
  }
  choose()
  await answered(3)
  expect(choose()).toMatchObject({ request: { id: ids[0] } })
  expect(events).toEqual([{ type: 'request.waiting', request: ids[0], builder: 'unit', reason }])
})

test('a master that stops does not wait for an answer', async () => {
  const { builder, choose, clock } = hooked({ canStartBuild: () => never })
  choose()
  await waitFor('the question', () => clock.sleeping === 1)
  await builder.stop()
})
