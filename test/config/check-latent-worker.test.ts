import { expect, test } from 'vitest'
import { dockerWorker } from '../../workers/docker/index.ts'
import { FakeCloud, fakeWorker } from '../../workers/fake/index.ts'
import { errorsOf, right } from '../helpers/config-errors.ts'

const vm = (options: object) => ({
  ...right,
  workers: [...right.workers, fakeWorker('vm', { cloud: new FakeCloud(), ...options })],
})

test('a worker whose machines are reset runs one build at a time, because the next one wants a pristine machine', () => {
  expect(errorsOf(vm({ reset: 'snapshot', maxBuilds: 2 }))).toEqual([
    'workers[2].maxBuilds: a machine that is reset after every build runs one at a time',
  ])
  expect(errorsOf(vm({ reset: 'boot' }))).toEqual([])
})

test('a machine is reset by a snapshot or by its boot', () => {
  expect(errorsOf(vm({ reset: 'often' }))).toEqual([
    expect.stringContaining("workers[2].reset must be 'snapshot' or 'boot'"),
  ])
})

test('what becomes of idle machines is said, and does not contradict other options', () => {
  expect(errorsOf(vm({ idle: 'stop' }))).toEqual([])
  expect(errorsOf(vm({ idle: 'terminate', buildWaitTimeout: 0 }))).toEqual([])
  expect(errorsOf(vm({ idle: 'stop', reset: 'boot' }))).toEqual([
    'workers[2].idle: a machine that is reset after every build is not stopped and woken: leave out one of the two',
  ])
  for (const buildWaitTimeout of [0, '0s'])
    expect(errorsOf(vm({ idle: 'stop', buildWaitTimeout }))).toEqual([
      'workers[2].idle: with buildWaitTimeout: 0 each build gets a fresh machine: give it some seconds',
    ])
})

test('a worker whose provider keeps no stopped machines knows no idle', () => {
  const worker = dockerWorker('kept', { image: 'node:24', ...{ idle: 'stop' } })
  expect(errorsOf({ ...right, workers: [...right.workers, worker] })).toEqual([
    expect.stringContaining('workers[2].idle'),
  ])
})
