import { describe, expect, test } from 'vitest'
import { EventLog } from '../../src/builds/event-log.ts'
import type { EventBody, EventSource } from '../../src/model/events.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ask, Listener, upgrade } from './ask.ts'
import { startTestWeb, useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const changed = (worker: string): EventBody => ({ type: 'worker.changed', worker })
const finished = (build: number): EventBody => ({
  type: 'build.finished',
  build,
  request: build,
  builder: 'unit',
  worker: 'bot',
  result: 'SUCCESS',
})
const listen = (query = '') => Listener.open(`${web().url}/api/v1/events${query}`)
async function received(listener: Listener, count: number) {
  await waitFor(`${count} events`, () => listener.messages.length >= count)
  return listener.messages
}

test('what happens is told as JSON, as soon as the socket is open', async () => {
  const listener = await listen()
  const event = web().events.publish(changed('a'))
  expect(await received(listener, 1)).toEqual([event])
})

test('a reader that comes back gets what it missed, then what happens, each once and in order', async () => {
  const { events } = web()
  const { id } = events.publish(changed('0'))
  for (let i = 1; i <= 2000; i++) events.publish(changed(String(i)))
  const opening = listen(`?since=${id}`)
  // These fall into the time of the replay.
  const timer = setInterval(() => events.publish(changed('late')), 1)
  const listener = await opening
  await received(listener, 2000)
  clearInterval(timer)
  const last = events.publish(changed('last'))
  await waitFor('the last event', () => listener.messages.at(-1).id === last.id)
  const expected = Number(last.id.split(':').at(-1)) - 1
  expect(listener.messages.map((event) => Number(event.id.split(':').at(-1)))).toEqual(
    Array.from({ length: expected }, (_, i) => i + 2),
  )
})

test.each(['another-run:5', 'nonsense', ''])(
  'since "%s" is not known any more: a reset comes first',
  async (since) => {
    const listener = await listen(`?since=${since}`)
    const event = web().events.publish(changed('a'))
    expect(await received(listener, 2)).toEqual([{ type: 'reset' }, event])
  },
)

test('only the events of a build, or of some types, can be asked for', async () => {
  const { events } = web()
  const { id } = events.publish(changed('a'))
  events.publish(finished(17))
  const ofBuild = await listen(`?build=17&since=${id}`)
  const ofType = await listen(`?types=worker.changed,build.started&since=${id}`)
  events.publish(finished(18))
  events.publish(changed('b'))
  events.publish(finished(17))
  events.publish(changed('c'))
  expect((await received(ofBuild, 2)).map((event) => event.build)).toEqual([17, 17])
  expect((await received(ofType, 2)).map((event) => event.worker)).toEqual(['b', 'c'])
})

test('a query that is wrong is refused before the upgrade', async () => {
  for (const query of ['?build=x', '?types=Robert;', '?colour=red']) {
    const { status, json } = await upgrade(`${web().url}/api/v1/events${query}`)
    expect({ status, code: json.code }, query).toEqual({ status: 400, code: 'ROUSE_REQUEST_INVALID' })
  }
  expect((await ask(`${web().url}/api/v1/events`)).status).toBe(400)
  expect((await upgrade(`${web().url}/api/v1/builds`)).status).toBe(404)
})

test('a reader has nothing to say', async () => {
  const listener = await listen()
  listener.socket.send('hello')
  await waitFor('the close', () => listener.closed)
  expect(listener.closed).toMatchObject({ code: 1008 })
})

test('when the master stops, readers are told so with 1001', async () => {
  const listener = await listen()
  await web().web.close()
  await waitFor('the close', () => listener.closed)
  expect(listener.closed).toEqual({ code: 1001, reason: 'the master is stopping' })
})

describe('a reader', () => {
  test('that does not read is closed with 1013 and may resume from what it saw', async () => {
    const test = await startTestWeb(web().database, { maxUnsentBytes: 100_000 })
    try {
      const slow = await Listener.open(`${test.url}/api/v1/events`)
      slow.socket.pause()
      const sent: string[] = []
      const text = 'x'.repeat(10_000)
      // More than the buffers of the system hold, in pieces, so that the socket is written in between.
      for (let i = 0; i < 3000; i++) {
        sent.push(test.events.publish(changed(text)).id)
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      slow.socket.resume()
      await waitFor('the close', () => slow.closed)
      expect(slow.closed).toMatchObject({ code: 1013 })
      expect(slow.messages.length).toBeLessThan(sent.length)

      const again = await Listener.open(`${test.url}/api/v1/events?since=${slow.messages.at(-1).id}`)
      await waitFor('the rest', () => slow.messages.length + again.messages.length === sent.length)
      expect([...slow.messages, ...again.messages].map((event) => event.id)).toEqual(sent)
    } finally {
      await test.web.close()
    }
  })

  test('that does not answer pings is dropped, one that does is kept', async () => {
    const test = await startTestWeb(web().database, { heartbeat: 0.05 })
    try {
      const alive = await Listener.open(`${test.url}/api/v1/events`)
      const dead = await Listener.open(`${test.url}/api/v1/events`)
      dead.socket.pong = () => {}
      let pings = 0
      alive.socket.on('ping', () => pings++)
      await waitFor('the close', () => dead.closed)
      await waitFor('more pings', () => pings > 5)
      expect(alive.closed).toBeUndefined()
    } finally {
      await test.web.close()
    }
  })
})

test('a reader that leaves is forgotten', async () => {
  const log = new EventLog()
  let readers = 0
  const events: EventSource = {
    since: (id) => log.since(id),
    subscribe: (listener) => {
      readers++
      const stop = log.subscribe(listener)
      return () => {
        readers--
        stop()
      }
    },
  }
  const test = await startTestWeb(web().database, {}, { events })
  try {
    const listener = await Listener.open(`${test.url}/api/v1/events`)
    expect(readers).toBe(1)
    listener.socket.terminate()
    await waitFor('the reader to be forgotten', () => readers === 0)
  } finally {
    await test.web.close()
  }
})
