import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { LogLinesSchema, type ApiLogLines } from '../../src/web/api.ts'
import { ask } from './ask.ts'
import { seedBuild, seedChunks, seedLog, type ChunkSeed } from './seed.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const stdout = (text: string): ChunkSeed => ({ codec: 'zstd', parts: [{ stream: 'stdout', text }] })

async function makeLog(chunks: readonly ChunkSeed[]) {
  const { db } = web().database
  const { log } = await seedLog(db, (await seedBuild(db)).build)
  await seedChunks(db, log, chunks)
  const read = async (query = ''): Promise<ApiLogLines> => {
    const { json } = await ask(`${web().url}/api/v1/logs/${log}/text?format=json${query}`)
    expect(Compile(LogLinesSchema).Errors(json)).toEqual([])
    return json
  }
  return { id: log, read }
}

test('lines come with their stream and number', async () => {
  const { read } = await makeLog([
    {
      codec: 'none',
      parts: [
        { stream: 'header', text: 'run\n' },
        { stream: 'stdout', text: 'on' },
      ],
    },
    {
      codec: 'deflate',
      parts: [
        { stream: 'stdout', text: 'e\n' },
        { stream: 'stderr', text: 'bad\n\n' },
      ],
    },
  ])
  expect(await read()).toEqual({
    firstLine: 0,
    lines: [
      { number: 0, stream: 'header', text: 'run' },
      { number: 1, stream: 'stdout', text: 'one' },
      { number: 2, stream: 'stderr', text: 'bad' },
      { number: 3, stream: 'stderr', text: '' },
    ],
    nextLine: 4,
    totalLines: 4,
    finished: false,
  })
  expect((await read('&firstLine=2&lines=1')).lines).toEqual([{ number: 2, stream: 'stderr', text: 'bad' }])
})

test('the last line comes again until it has an end', async () => {
  const { id, read } = await makeLog([stdout('one\ntw')])
  const first = await read()
  expect(first).toMatchObject({ nextLine: 1, totalLines: 1 })
  expect(first.lines.at(-1)).toEqual({ number: 1, stream: 'stdout', text: 'tw' })
  await seedChunks(web().database.db, id, [stdout('o\n')])
  expect(await read(`&firstLine=${first.nextLine}`)).toMatchObject({
    lines: [{ number: 1, stream: 'stdout', text: 'two' }],
    nextLine: 2,
  })
})

test('a line that several streams wrote comes in parts of one number', async () => {
  const { read } = await makeLog([
    {
      codec: 'none',
      parts: [
        { stream: 'stdout', text: 'compiling ... ' },
        { stream: 'stderr', text: 'warning\n' },
      ],
    },
    {
      codec: 'none',
      parts: [
        { stream: 'stdout', text: 'done' },
        { stream: 'stderr', text: '\n' },
      ],
    },
  ])
  expect((await read()).lines).toEqual([
    { number: 0, stream: 'stdout', text: 'compiling ... ' },
    { number: 0, stream: 'stderr', text: 'warning' },
    { number: 1, stream: 'stdout', text: 'done' },
  ])
  expect((await read('&streams=stderr')).lines).toEqual([{ number: 0, stream: 'stderr', text: 'warning' }])
})

test('1000 lines come unless told otherwise, and 10,000 at most', async () => {
  const { read } = await makeLog([stdout('line\n'.repeat(12_000))])
  expect(await read()).toMatchObject({ nextLine: 1000, totalLines: 12_000 })
  expect((await read('&lines=20000')).lines).toHaveLength(10_000)
  expect((await read('&firstLine=11990&lines=20')).lines).toHaveLength(10)
})

test('a character that two chunks share is whole', async () => {
  const bytes = Buffer.from('grün\n')
  const part = (text: Buffer): ChunkSeed => ({ codec: 'none', parts: [{ stream: 'stdout', text }] })
  const { read } = await makeLog([part(bytes.subarray(0, 3)), part(bytes.subarray(3))])
  expect((await read()).lines[0]!.text).toBe('grün')
})

test('a line without end is cut, and holds up nobody', async () => {
  const mebibyte = 'x'.repeat(200_000)
  const { read } = await makeLog([...Array.from({ length: 30 }, () => stdout(mebibyte)), stdout('\nafter\n')])
  const first = await read()
  expect(first.lines).toHaveLength(1)
  expect(first.lines[0]!.text.length).toBeLessThan(20_000)
  expect(first.lines[0]!.text).toMatch(/x \[\d+ more bytes\]$/)
  expect(first.nextLine).toBe(1)
  expect((await read('&firstLine=1')).lines).toEqual([{ number: 1, stream: 'stdout', text: 'after' }])
})
