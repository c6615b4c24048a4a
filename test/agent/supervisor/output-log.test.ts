import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputLog } from '../../../src/agent/supervisor/output-log.ts'
import { maxRuns } from '../../../src/protocol/output-frame.ts'
import { streams, type Stream } from '../../../src/protocol/runs.ts'

const write = fc.record({
  stream: fc.constantFrom(...streams),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 4000, maxLength: 9000 })),
})

test('whatever was written can be read from any offset that is not committed, with its streams', () => {
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 30 }),
      fc.array(fc.nat(40_000), { maxLength: 5 }),
      fc.nat(60_000),
      (writes, releases, max) => {
        const log = new OutputLog(1_000_000)
        const all: { stream: Stream; byte: number }[] = []
        writes.forEach(({ stream, bytes }, i) => {
          log.append(stream, Buffer.from(bytes))
          for (const byte of bytes) all.push({ stream, byte })
          if (releases[i] !== undefined) log.release(releases[i])
        })
        expect(log.end).toBe(all.length)
        const offset = log.start + Math.floor((log.end - log.start) / 3)
        const { raw, runs } = log.read(offset, max)
        const expected = all.slice(offset, offset + max)
        expect([...raw]).toEqual(expected.map(({ byte }) => byte))
        expect(runs.flatMap(({ stream, length }) => Array<Stream>(length).fill(stream))).toEqual(
          expected.map(({ stream }) => stream),
        )
        expect(runs.every(({ length }) => length > 0)).toBe(true)
      },
    ),
  )
})

test('it is full at its window, tells of room when bytes are committed, and a released byte stays released', () => {
  const log = new OutputLog(1000)
  let room = 0
  log.onRoom = () => room++
  log.append('stdout', Buffer.alloc(500))
  expect(log.full).toBe(false)
  log.append('stdout', Buffer.alloc(500))
  expect(log.full).toBe(true)
  log.release(10)
  expect(log.full).toBe(true)
  log.release(200)
  expect(log.full).toBe(false)
  expect(room).toBe(1)
  log.release(100)
  expect(log.start).toBe(200)
  log.release(5000)
  expect([log.start, log.end]).toEqual([1000, 1000])
})

test('single bytes of both streams in turn fill it too, and one read gives no more runs than a frame takes', () => {
  const log = new OutputLog(1_000_000)
  for (let i = 0; i < 20_000; i++) log.append(i % 2 ? 'stdout' : 'stderr', Buffer.from('x'))
  expect(log.full).toBe(true)
  const { raw, runs } = log.read(0, 262_144)
  expect(runs).toHaveLength(maxRuns)
  expect(raw).toHaveLength(maxRuns)
})

test('a discarded log takes everything, keeps nothing and is never full', () => {
  const log = new OutputLog(100)
  let room = 0
  log.onRoom = () => room++
  log.append('stdout', Buffer.alloc(200))
  log.discard()
  expect(room).toBe(1)
  log.append('stdout', Buffer.alloc(200))
  expect([log.full, log.start, log.end]).toEqual([false, 200, 200])
})
