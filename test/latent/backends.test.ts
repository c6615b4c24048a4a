import pino from 'pino'
import { expect, test } from 'vitest'
import type { BackendFactory, WorkerBackend } from '../../src/latent/backend.ts'
import { Backends } from '../../src/latent/backends.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

function opened() {
  const clock = new ManualClock()
  const logged: { msg: string }[] = []
  const backends = new Backends({
    clock,
    log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    context: { cluster: 'test', configDir: '/nowhere', readSecret: () => '' },
    signal: new AbortController().signal,
    onOpened: () => {},
  })
  return { backends, clock, logged }
}

const closed: string[] = []

function factory(key: string, open?: () => Promise<WorkerBackend<unknown>>): BackendFactory<unknown> {
  return { kind: 'test', key, open: open ?? (async () => backend(key)) }
}

function backend(key: string, close = async () => void closed.push(key)): WorkerBackend<unknown> {
  return {
    listLag: 0,
    start: () => Promise.reject(new Error('nothing starts here')),
    stop: async () => {},
    list: async () => [],
    close,
  }
}

const keys = ({ all }: Backends) => all.map(({ key }) => key)

/** Moves the clock until the work has ended. */
async function overTime<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let over = false
  const ended = () => (over = true)
  work.then(ended, ended)
  await waitFor('the end', () => {
    clock.advance(1000)
    return over
  })
  return work
}

test('a backend that cannot be opened leaves those that were there alone, and none of the new ones open', async () => {
  const { backends } = opened()
  await backends.open([factory('old')])
  closed.length = 0
  const broken = factory('broken', () => Promise.reject(new Error('no such socket')))
  await expect(backends.open([factory('old'), factory('new'), broken])).rejects.toThrow(
    'broken could not be opened: no such socket',
  )
  expect(keys(backends)).toEqual(['old'])
  expect(closed).toEqual(['new'])
})

test('a backend that never opens is given up, and one that opens too late is closed', async () => {
  const { backends, clock } = opened()
  const late = Promise.withResolvers<WorkerBackend<unknown>>()
  closed.length = 0
  const opening = backends.open([factory('slow', () => late.promise)])
  await expect(overTime(clock, opening)).rejects.toThrow('slow could not be opened: it did not answer')
  expect(keys(backends)).toEqual([])
  late.resolve(backend('slow'))
  await waitFor('the late one to be closed', () => closed.includes('slow'))
})

test('a backend that never closes holds neither the others nor the end up', async () => {
  const { backends, clock, logged } = opened()
  closed.length = 0
  const stuck = backend('stuck', () => new Promise(() => {}))
  await backends.open([factory('stuck', async () => stuck), factory('fine')])
  await overTime(clock, backends.close())
  expect(closed).toEqual(['fine'])
  expect(logged.map(({ msg }) => msg)).toEqual([
    expect.stringContaining('stuck could not be closed: it did not answer'),
  ])
})
