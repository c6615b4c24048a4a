import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { OutputLog, type OutputLogOptions } from '../../../src/agent/supervisor/output-log.ts'
import { SpoolUsage } from '../../../src/agent/supervisor/spool/spool-usage.ts'
import { maxRuns } from '../../../src/protocol/output-frame.ts'
import { streams, type Stream } from '../../../src/protocol/runs.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const folders: string[] = []

function makeLog({ window = Infinity, maxBytes = undefined as number | undefined, limit = 1e9 } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'rouse-test-'))
  if (folders.push(dir) === 1)
    onTestFinished(() => {
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
    })
  const usage = new SpoolUsage(limit)
  const options = { path: `${dir}/`, usage, maxBytes }
  const log = new OutputLog(options)
  log.window = window
  return { dir, usage, log, options }
}

function recover(options: OutputLogOptions): OutputLog {
  return OutputLog.recover({ ...options, usage: new SpoolUsage(1e9) }, readdirSync(options.path))
}

function contents(log: OutputLog): { raw: Buffer; text(stream: Stream): string } {
  const raws: Buffer[] = []
  const texts = { header: '', stdout: '', stderr: '' }
  for (let offset = log.start; offset < log.end;) {
    const { raw, runs } = log.read(offset, 50_000)
    expect(raw.length).toBeGreaterThan(0)
    raws.push(raw)
    let at = 0
    for (const { length, stream } of runs) texts[stream] += raw.toString('latin1', at, (at += length))
    offset += raw.length
  }
  return { raw: Buffer.concat(raws), text: (stream) => texts[stream] }
}

const write = fc.record({
  stream: fc.constantFrom(...streams),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 4000, maxLength: 9000 })),
})

test('whatever was written can be read from any offset that is not committed, with its streams, also by the next process', () => {
  fc.assert(
    fc.property(
      fc.array(write, { maxLength: 30 }),
      fc.array(fc.nat(40_000), { maxLength: 5 }),
      fc.nat(60_000),
      (writes, releases, max) => {
        const { log, options } = makeLog()
        const all: { stream: Stream; byte: number }[] = []
        writes.forEach(({ stream, bytes }, i) => {
          log.append(stream, Buffer.from(bytes))
          for (const byte of bytes) all.push({ stream, byte })
          if (releases[i] !== undefined) log.release(releases[i])
        })
        const next = recover(options)
        expect([log.end, next.end]).toEqual([all.length, all.length])
        const offset = log.start + Math.floor((log.end - log.start) / 3)
        for (const reader of [log, next, log]) {
          const { raw, runs } = reader.read(offset, max)
          const expected = all.slice(offset, offset + max)
          expect([...raw]).toEqual(expected.map(({ byte }) => byte))
          expect(runs.flatMap(({ stream, length }) => Array<Stream>(length).fill(stream))).toEqual(
            expected.map(({ stream }) => stream),
          )
          expect(runs.every(({ length }) => length > 0)).toBe(true)
        }
        log.close()
      },
    ),
    { numRuns: 60 },
  )
})

test('it is full at its window, tells of room when bytes are committed, and a released byte stays released', () => {
  const { log } = makeLog({ window: 1000 })
  let room = 0
  log.onRoom = () => room++
  log.append('stdout', Buffer.alloc(500))
  expect(log.full).toBe(false)
  log.append('stdout', Buffer.alloc(500))
  expect(log.full).toBe(true)
  log.release(10)
  expect(log.full).toBe(false)
  log.append('stdout', Buffer.alloc(500))
  expect(log.full).toBe(true)
  log.window = Infinity
  expect([log.full, room]).toEqual([false, 2])
  log.release(100)
  expect(log.start).toBe(100)
  log.release(5000)
  expect([log.start, log.end]).toEqual([1500, 1500])
  log.close()
})

test('one read gives no more runs than a frame takes', () => {
  const { log } = makeLog()
  for (let i = 0; i < 20_000; i++) log.append(i % 2 ? 'stdout' : 'stderr', Buffer.from('x'))
  const { raw, runs } = log.read(0, 262_144)
  expect(runs).toHaveLength(maxRuns)
  expect(raw).toHaveLength(maxRuns)
  expect(contents(log).raw).toHaveLength(20_000)
  log.close()
})

test('a discarded log takes everything, keeps nothing and is never full', () => {
  const { dir, log, usage } = makeLog({ window: 100 })
  let room = 0
  log.onRoom = () => room++
  log.append('stdout', Buffer.alloc(200))
  log.discard()
  expect(room).toBe(1)
  log.append('stdout', Buffer.alloc(200))
  expect([log.full, log.start, log.end]).toEqual([false, 200, 200])
  expect([usage.used, readdirSync(dir)]).toEqual([0, []])
})

test('what is committed leaves the disk, a file at a time', () => {
  const { dir, log, usage } = makeLog()
  for (let i = 0; i < 100; i++) log.append('stdout', Buffer.alloc(60_000, i))
  expect(readdirSync(dir).length).toBeGreaterThan(4)
  log.release(5_900_000)
  expect(readdirSync(dir)).toHaveLength(1)
  expect(usage.used).toBeLessThan(1_200_000)
  expect(log.read(5_940_000, 60_000).raw.equals(Buffer.alloc(60_000, 99))).toBe(true)
  log.discard()
})

test('a log that is too long keeps its head and its tail, and says how many bytes are between', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 3000 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 30 }),
      fc.boolean(),
      (maxBytes, sizes, dies) => {
        const { log, options } = makeLog({ maxBytes })
        let all = ''
        for (const size of sizes) {
          const text = Array.from({ length: size }, (_, i) => 'abcdefghij'[(all.length + i) % 10]).join('')
          all += text
          log.append('stdout', Buffer.from(text))
        }
        if (!dies) log.finish()
        const reader = dies ? recover(options) : log
        const text = contents(reader).text('stdout')
        const leftOut = Number(
          /(\d+) bytes are left out here/.exec(contents(reader).text('header'))?.[1] ?? 0,
        )
        const head = Math.min(Math.ceil(maxBytes / 2), all.length)
        expect(text.length + leftOut).toBe(all.length)
        expect(text.slice(0, head)).toBe(all.slice(0, head))
        expect(all.endsWith(text.slice(head))).toBe(true)
        expect(text.length).toBeLessThanOrEqual(maxBytes)
        if (all.length > maxBytes)
          expect(text.length - head).toBeGreaterThanOrEqual(Math.floor(maxBytes * 0.43) - 8)
        else expect(leftOut).toBe(0)
        log.discard()
      },
    ),
    { numRuns: 100 },
  )
})

test('a write that was torn when the process died is read as far as it got, and writing goes on behind it', () => {
  const { dir, log, options } = makeLog()
  log.append('stdout', Buffer.from('first '))
  log.append('stderr', Buffer.from('second'))
  log.close()
  for (let size = 22; size >= 0; size--) {
    truncateSync(join(dir, '0'), size)
    const next = recover(options)
    const length = next.end
    expect('first second'.startsWith(contents(next).raw.toString())).toBe(true)
    next.append('stdout', Buffer.from('!'))
    expect(contents(next).raw.toString()).toBe(`${'first second'.slice(0, length)}!`)
    expect(length).toBe(size > 16 ? size - 10 : size > 5 ? Math.min(6, size - 5) : 0)
    next.close()
    truncateSync(join(dir, '0'), 0)
    next.close()
    const whole = new OutputLog(options)
    whole.append('stdout', Buffer.from('first '))
    whole.append('stderr', Buffer.from('second'))
    whole.close()
  }
})

test('a page of zeros that a power failure left ends the log there', () => {
  const { dir, options } = makeLog()
  writeFileSync(join(dir, '0'), Buffer.concat([Buffer.from([2, 0, 0, 0, 1, 65]), Buffer.alloc(4096)]))
  const log = recover(options)
  expect(contents(log).raw.toString()).toBe('A')
  log.close()
})

test('when the disk is full nothing is lost, the writer is told to wait, and the log says so afterwards', async () => {
  const { dir, log } = makeLog()
  let room = 0
  log.onRoom = () => room++
  log.append('stdout', Buffer.from('one '))
  log.release(4)
  // The next file cannot be written: it is the device that is always full.
  log.append('stdout', Buffer.alloc(1_048_576))
  log.release(log.end)
  symlinkSync('/dev/full', join(dir, String(log.end)))
  log.append('stdout', Buffer.from('two '))
  expect(log.full).toBe(true)
  room = 0
  expect(log.read(log.start, 100).raw.toString()).toBe('two ')
  rmSync(join(dir, String(log.start)))
  await waitFor('room', () => room > 0)
  expect(log.full).toBe(false)
  log.append('stdout', Buffer.from('three'))
  const { raw } = contents(log)
  expect(raw.toString()).toMatch(/^two \n?the agent's disk was full for \d s: this waited\nthree$/)
  log.discard()
})

test('on a full disk output still passes through memory while the master takes it', () => {
  const { dir, log } = makeLog()
  symlinkSync('/dev/full', join(dir, '0'))
  let sent = ''
  for (let i = 0; i < 50; i++) {
    log.append('stdout', Buffer.from(`line ${i}\n`))
    expect(log.full).toBe(true)
    sent += log.read(log.start, 1000).raw.toString()
    log.release(log.end)
    expect(log.full).toBe(false)
    symlinkSync('/dev/full', join(dir, String(log.end)))
  }
  expect(sent).toBe(Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
  log.discard()
})

test('all logs wait when together they have reached the limit, and go on when one is committed', () => {
  const { log, options, usage } = makeLog({ limit: 100_000 })
  const dir = join(options.path, 'other')
  mkdirSync(dir)
  const other = new OutputLog({ path: `${dir}/`, usage })
  let room = 0
  other.onRoom = () => room++
  log.append('stdout', Buffer.alloc(100_000))
  expect([log.full, other.full]).toEqual([true, true])
  log.discard()
  expect([room, other.full]).toEqual([1, false])
  other.discard()
})
