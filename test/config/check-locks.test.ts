import { expect, test } from 'vitest'
import { localWorker } from '../../src/config/local-worker.ts'
import { masterLock, workerLock } from '../../src/model/lock.ts'
import { shell } from '../../src/steps/shell.ts'
import { errorsOf, ofBuilder, ofWorker, smoke } from '../helpers/config-errors.ts'

const db = masterLock('db', { maxCount: 2 })
const cpu = workerLock('cpu', { maxCount: 2, maxCountForWorker: { dock: 4 } })

test('locks of builders, workers and steps are right', () => {
  const steps = [shell('make', { locks: [cpu.access('counting', 2)] })]
  expect(errorsOf(ofBuilder({ locks: [db.access('exclusive')], steps }))).toEqual([])
  expect(errorsOf(ofWorker({ locks: [db.access('counting', 2)] }))).toEqual([])
})

test.each<[string, unknown]>([
  [
    `locks[0] must be what the access() of a lock returns, got an object; did you mean its .access('exclusive')?`,
    [db],
  ],
  ['locks[0] must be what the access() of a lock returns, got "db"', ['db']],
  [`locks must be an array such as [db.access('exclusive')], got an object`, db.access('exclusive')],
  [`locks[0].mode must be 'counting' or 'exclusive', got "shared"`, [db.access('shared' as never)]],
  ['locks[0].count must be a positive integer, got 0', [db.access('counting', 0)]],
  ['locks[0]: it wants 3 of lock "db", and there are only 2', [db.access('counting', 3)]],
  [
    'locks[0].lock.maxCount must be a positive integer, got 1.5',
    [masterLock('x', { maxCount: 1.5 }).access('exclusive')],
  ],
  [
    'locks[0].lock.maxCountForWorker is not an option of a master lock; it has maxCount',
    [masterLock('x', { maxCountForWorker: {} } as object).access('exclusive')],
  ],
  [
    'locks[1]: lock "db" is described in two ways; make it once and use it everywhere',
    [db.access('counting'), masterLock('db').access('counting')],
  ],
])('builders[0].%s', (message, locks) => {
  expect(errorsOf(ofBuilder({ locks }))).toEqual([`builders[0].${message}`])
})

test('a step must not wait for a lock that its build holds: its own or that of a worker', () => {
  const steps = [smoke, shell('make', { locks: [db.access('exclusive')] })]
  const message =
    'builders[0].steps[1].locks: its build holds lock "db" already: the step would wait for ever'
  expect(errorsOf(ofBuilder({ locks: [db.access('counting')], steps }))).toEqual([message])
  expect(errorsOf({ ...ofWorker({ locks: [db.access('counting')] }), ...ofBuilder({ steps }) })).toEqual([
    message,
  ])
})

test('locks that builds hold while their steps wait for others must not go in a circle', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => masterLock(name).access('exclusive'))
  const builder = (name: string, held: typeof a, wanted: typeof a) => ({
    name,
    workers: ['dock'],
    locks: [held],
    steps: [shell('make', { locks: [wanted!] })],
  })
  const workers = [localWorker('dock')]
  const line = [builder('one', a, b), builder('two', b, c), builder('three', a, c)]
  expect(errorsOf({ workers, builders: line })).toEqual([])
  expect(errorsOf({ workers, builders: [...line, builder('four', c, a)] })).toEqual([
    'builders: locks are taken in a circle ("a", then "b", then "c", then "a"): two builds could wait for each other for ever',
  ])
})
