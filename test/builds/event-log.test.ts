import { expect, test } from 'vitest'
import { EventLog } from '../../src/builds/event-log.ts'
import type { EventBody, RouseEvent } from '../../src/model/events.ts'

const changed = (worker: string): EventBody => ({ type: 'worker.changed', worker })
const names = (events: readonly RouseEvent[] | undefined) =>
  events?.map((event) => (event.type === 'worker.changed' ? event.worker : event.type))

test('events are numbered from 1 within the run of the master', () => {
  const log = new EventLog({ run: 'run', clock: { now: () => 0, sleep: () => Promise.resolve() } })
  expect(log.publish(changed('a'))).toEqual({
    type: 'worker.changed',
    worker: 'a',
    id: 'run:1',
    at: '1970-01-01T00:00:00.000Z',
  })
  expect(log.publish(changed('b')).id).toBe('run:2')
})

test('a reader that names the last event it saw gets the ones after it', () => {
  const log = new EventLog({ run: 'run' })
  for (const name of ['a', 'b', 'c']) log.publish(changed(name))
  expect(names(log.since('run:1'))).toEqual(['b', 'c'])
  expect(names(log.since('run:0'))).toEqual(['a', 'b', 'c'])
  expect(log.since('run:3')).toEqual([])
})

test('a reader of another run, of the future or of nonsense cannot resume', () => {
  const log = new EventLog({ run: 'run' })
  log.publish(changed('a'))
  for (const id of [
    'other:1',
    'run:2',
    'run:-1',
    'run:1e0',
    'run:',
    'run',
    '',
    ':1',
    'run:99999999999999999',
  ])
    expect(log.since(id), id).toBeUndefined()
})

test('only the newest events are kept, and a reader that fell behind them is told so', () => {
  const log = new EventLog({ run: 'run', capacity: 3 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) log.publish(changed(name))
  expect(names(log.since('run:2'))).toEqual(['c', 'd', 'e'])
  expect(log.since('run:1')).toBeUndefined()
})

test('a reader that resumes and then listens misses nothing and sees nothing twice', () => {
  const log = new EventLog()
  const first = log.publish(changed('a'))
  log.publish(changed('b'))
  const seen: RouseEvent[] = [...log.since(first.id)!]
  const stop = log.subscribe((event) => seen.push(event))
  log.publish(changed('c'))
  stop()
  log.publish(changed('d'))
  expect(names(seen)).toEqual(['b', 'c'])
})

test('a listener that fails hurts nobody else and is logged', () => {
  const errors: unknown[] = []
  const log = new EventLog({ log: { error: (fields: unknown) => void errors.push(fields) } })
  const seen: RouseEvent[] = []
  log.subscribe(() => {
    throw new Error('broken')
  })
  log.subscribe((event) => seen.push(event))
  log.publish(changed('a'))
  expect(names(seen)).toEqual(['a'])
  expect(errors).toHaveLength(1)
})

test('a listener that publishes does not change the order for the others', () => {
  const log = new EventLog()
  const seen: RouseEvent[] = []
  log.subscribe((event) => {
    if (event.type === 'worker.changed' && event.worker === 'a') log.publish(changed('answer'))
  })
  log.subscribe((event) => seen.push(event))
  log.publish(changed('a'))
  expect(names(seen)).toEqual(['a', 'answer'])
})
