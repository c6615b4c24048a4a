import { once } from 'node:events'
import http from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecs } from '../../src/protocol/output-frame.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ask } from './ask.ts'
import { seedBuild, seedChunks, seedLog, type ChunkSeed } from './seed.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()

async function makeLog(chunks: readonly ChunkSeed[]): Promise<{ id: number; url: string }> {
  const { db } = web().database
  const { build } = await seedBuild(db)
  const { log } = await seedLog(db, build)
  await seedChunks(db, log, chunks)
  return { id: log, url: `${web().url}/api/v1/logs/${log}/text` }
}

/** One chunk of each codec; 'b' is stderr. */
const threeChunks: ChunkSeed[] = [
  {
    codec: 'none',
    parts: [
      { stream: 'header', text: 'run\n' },
      { stream: 'stdout', text: 'one\ntw' },
    ],
  },
  {
    codec: 'deflate',
    parts: [
      { stream: 'stdout', text: 'o\n' },
      { stream: 'stderr', text: 'bad\n' },
    ],
  },
  { codec: 'zstd', parts: [{ stream: 'stdout', text: 'end without newline: ü' }] },
]
const wholeText = 'run\none\ntwo\nbad\nend without newline: ü'

test('the whole text is its raw bytes as plain text that no browser runs', async () => {
  const { url } = await makeLog(threeChunks)
  const { status, headers, body } = await ask(url)
  expect(status).toBe(200)
  expect(body.toString()).toBe(wholeText)
  expect(headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(wholeText)),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  })
})

test('an empty log is an empty text', async () => {
  const { url } = await makeLog([])
  const { status, body } = await ask(url)
  expect({ status, length: body.length }).toEqual({ status: 200, length: 0 })
})

test('HEAD tells the length and reads nothing', async () => {
  const { url } = await makeLog(threeChunks)
  const { status, headers, body } = await ask(url, { method: 'HEAD' })
  expect({ status, length: headers['content-length'], body: body.length }).toEqual({
    status: 200,
    length: String(Buffer.byteLength(wholeText)),
    body: 0,
  })
})

describe('a Range', () => {
  const total = Buffer.byteLength(wholeText)
  test.each([
    ['bytes=0-3', 0, 4],
    ['bytes=2-12', 2, 13],
    ['bytes=30-', 30, total],
    ['bytes=-5', total - 5, total],
    ['bytes=-5000', 0, total],
    ['bytes=10-5000', 10, total],
    [`bytes=${total - 1}-`, total - 1, total],
  ])('%s is answered with exactly these bytes', async (range, from, to) => {
    const { url } = await makeLog(threeChunks)
    const { status, headers, body } = await ask(url, { headers: { range } })
    expect(status).toBe(206)
    expect(headers['content-range']).toBe(`bytes ${from}-${to - 1}/${total}`)
    expect(body).toEqual(Buffer.from(wholeText).subarray(from, to))
  })

  test.each([`bytes=${total}-`, 'bytes=5000-6000', 'bytes=-0'])(
    '%s is outside the log: 416',
    async (range) => {
      const { url } = await makeLog(threeChunks)
      const { status, headers, json } = await ask(url, { headers: { range } })
      expect({ status, code: json.code }).toEqual({ status: 416, code: 'ROUSE_RANGE_INVALID' })
      expect(headers['content-range']).toBe(`bytes */${total}`)
    },
  )

  test.each(['bytes=5-2', 'lines=1-2', 'bytes=a-b', 'bytes=0-1,5-6', 'nonsense', 'bytes=-'])(
    '%s is not understood and answered with the whole',
    async (range) => {
      const { url } = await makeLog(threeChunks)
      expect((await ask(url, { headers: { range } })).status).toBe(200)
    },
  )

  test('of any log equals the slice of its text', async () => {
    const part = fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'header' as const),
      text: fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    })
    const chunk = fc.record({
      codec: fc.constantFrom(...codecs),
      parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    })
    const logs = fc.array(chunk, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(
        logs,
        fc.array(fc.tuple(fc.nat(600), fc.nat(600)), { maxLength: 4 }),
        async (chunks, ranges) => {
          const { url } = await makeLog(chunks)
          const text = Buffer.concat(chunks.flatMap(({ parts }) => parts.map((p) => p.text)))
          expect((await ask(url)).body).toEqual(text)
          for (const [a, length] of ranges) {
            const from = a % text.length
            const { body } = await ask(url, { headers: { range: `bytes=${from}-${from + length}` } })
            expect(body).toEqual(text.subarray(from, from + length + 1))
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('lines', () => {
  test.each([
    ['firstLine=0&lines=2', 'run\none\n'],
    ['firstLine=2&lines=1', 'two\n'],
    ['firstLine=3', 'bad\nend without newline: ü'],
    ['lines=1', 'run\n'],
    ['firstLine=4&lines=10', 'end without newline: ü'],
    ['firstLine=5', ''],
    ['firstLine=9007199254740991', ''],
  ])('%s', async (query, expected) => {
    const { url } = await makeLog(threeChunks)
    const { status, body } = await ask(`${url}?${query}`)
    expect({ status, text: body.toString() }).toEqual({ status: 200, text: expected })
  })

  test('any of any log equal the lines of its text', async () => {
    const text = fc.array(fc.constantFrom('\n', 'a', 'bc', '\n\n', 'dé'), { minLength: 1, maxLength: 8 })
    const chunk = fc.record({
      codec: fc.constantFrom(...codecs),
      parts: text.map((words) => [{ stream: 'stdout' as const, text: words.join('') }]),
    })
    const logs = fc.array(chunk, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(logs, fc.nat(40), fc.integer({ min: 1, max: 20 }), async (chunks, first, count) => {
        const { url } = await makeLog(chunks)
        const lines = chunks
          .flatMap(({ parts }) => parts.map((p) => p.text))
          .join('')
          .split(/(?<=\n)/)
        const { body } = await ask(`${url}?firstLine=${first}&lines=${count}`)
        expect(body.toString()).toBe(lines.slice(first, first + count).join(''))
      }),
      { numRuns: 30 },
    )
  })
})

test.each([
  ['stderr', 'bad\n'],
  ['stdout', 'one\ntwo\nend without newline: ü'],
  ['header,stderr', 'run\nbad\n'],
  ['header,stdout,stderr', wholeText],
])('the streams %s alone', async (streams, expected) => {
  const { url } = await makeLog(threeChunks)
  expect((await ask(`${url}?streams=${streams}`)).body.toString()).toBe(expected)
})

test('a damaged chunk is told in its place and hides nothing else', async () => {
  const { id, url } = await makeLog([
    { codec: 'none', parts: [{ stream: 'stdout', text: 'before\n' }] },
    { codec: 'zstd', parts: [{ stream: 'stdout', text: 'x'.repeat(50) + '\nlost\n' }] },
    { codec: 'none', parts: [{ stream: 'stdout', text: 'after\n' }] },
  ])
  await web()
    .database.db.updateTable('log_chunks')
    .set({ body: Buffer.from('not zstd at all') })
    .where('log_id', '=', id)
    .where('codec', '=', codecs.indexOf('zstd'))
    .execute()
  const { status, headers, body } = await ask(url)
  expect(status).toBe(200)
  expect(body.length).toBe(Number(headers['content-length']))
  expect(body.toString()).toMatch(/^before\n\[a part of this log is damaged\] +\n\nafter\n$/)
  expect((await ask(`${url}?firstLine=3`)).body.toString()).toBe('after\n')
})

test('a chunk that unpacks to more than it says is damaged, not a bomb', async () => {
  const { id, url } = await makeLog([
    { codec: 'zstd', parts: [{ stream: 'stdout', text: 'a'.repeat(200_000) }] },
  ])
  await web().database.db.updateTable('log_chunks').set({ bytes: 100 }).where('log_id', '=', id).execute()
  await web().database.db.updateTable('logs').set({ bytes: 100 }).where('id', '=', id).execute()
  expect((await ask(url)).body.toString()).toMatch(/^\[a part of this log is damaged\] +$/)
})

test('a missing chunk leaves a hole of the same length', async () => {
  const { id, url } = await makeLog(threeChunks)
  await web().database.db.deleteFrom('log_chunks').where('log_id', '=', id).where('codec', '=', 1).execute()
  const { body } = await ask(url)
  expect(body.length).toBe(Buffer.byteLength(wholeText))
  expect(body.toString()).toMatch(/end without newline: ü$/)
})

test('a reader that leaves in the middle of a large log stops the reading of it', async () => {
  const big = Buffer.alloc(100_000, 'log line\n')
  const { url } = await makeLog(
    Array.from({ length: 640 }, () => ({
      codec: 'zstd' as const,
      parts: [{ stream: 'stdout' as const, text: big }],
    })),
  )
  const request = http.get(url)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  await once(response, 'data')
  const queries = countQueries()
  request.destroy()
  await waitFor('the reading to stop', async () => {
    const before = queries()
    await new Promise((resolve) => setTimeout(resolve, 100))
    return queries() === before
  })
  expect(queries()).toBeLessThan(20)

  function countQueries(): () => number {
    const { db } = web().database
    let count = 0
    const { selectFrom } = db
    db.selectFrom = ((...args: Parameters<typeof selectFrom>) => {
      if (String(args[0]) === 'log_chunks') count++
      return selectFrom.apply(db, args)
    }) as typeof selectFrom
    return () => count
  }
})
