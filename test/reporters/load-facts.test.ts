import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LoadedFacts } from '../../src/reporters/load-facts.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { tellBuild, tellBuildset, tellRequest, tellStep } from './story.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

function facts(artifactPath = (path: string) => path) {
  const config = () => ({
    workers: [{ name: 'bot-solaris', kind: 'static' as const, notifyOnMissing: ['bob@acme.example'] }],
    builders: [
      { name: 'unit', workers: ['bot-solaris', 'other'] },
      { name: 'docs', workers: ['other'] },
    ],
  })
  return new LoadedFacts({ db: database.db, config, artifactPath })
}

describe('a request', () => {
  test('comes with its changes, owners and newest build', async () => {
    const { db } = database
    const buildset = await tellBuildset(db, {
      properties: [
        { name: 'owner', value: 'ada', source: 'force' },
        { name: 'owners', value: ['bob', 'ada', 7], source: 'change' },
      ],
      changes: [
        { author: 'Ada <ada@acme.example>', message: 'first', files: ['a', 'b'] },
        { message: 'x'.repeat(20_000), files: Array.from({ length: 300 }, (_, i) => `f${i}`) },
      ],
    })
    const id = await tellRequest(db, buildset)
    await tellBuild(db, id, { attempt: 1, result: 'RETRY' })
    const build = await tellBuild(db, id, { attempt: 2 })
    const request = await facts().request(id)
    expect(request).toMatchObject({
      id,
      build,
      buildset,
      builder: 'unit',
      owners: ['ada', 'bob'],
      previousResult: null,
      source: { repository: 'https://git.acme.example/app.git', branch: 'main', revision: null },
    })
    expect(request!.changes.map(({ author }) => author)).toEqual(['Ada <ada@acme.example>', null])
    expect(request!.changes[0]).toMatchObject({ message: 'first', files: ['a', 'b'] })
    expect(request!.changes[1]!.message).toHaveLength(10_000)
    expect(request!.changes[1]!.files).toHaveLength(100)
  })

  test('knows the last result of its builder on the same branch of the same repository', async () => {
    const { db } = database
    const on = (branch: string | null, repository?: string) =>
      tellBuildset(db, { branch, ...(repository && { repository }) })
    await tellRequest(db, await on('main'), { result: 'WARNINGS' })
    await tellRequest(db, await on('main'), { result: 'SKIPPED' })
    await tellRequest(db, await on('main'), { result: 'CANCELLED' })
    await tellRequest(db, await on('other'), { result: 'SUCCESS' })
    await tellRequest(db, await on('main', 'https://elsewhere.example/'), { result: 'SUCCESS' })
    await tellRequest(db, await on('main'), { result: 'SUCCESS', builder: 'docs' })
    await tellRequest(db, await on(null), { result: 'EXCEPTION' })
    const last = await tellRequest(db, await on('main'), { result: null })
    await tellRequest(db, await on('main'), { result: 'SUCCESS' })
    const branchless = await tellRequest(db, await on(null), { result: null })
    expect(await facts().request(last)).toMatchObject({ previousResult: 'WARNINGS', result: null })
    expect(await facts().request(branchless)).toMatchObject({ previousResult: 'EXCEPTION' })
  })

  test('knows the newer one that stands for it', async () => {
    const { db } = database
    const newer = await tellRequest(db, await tellBuildset(db), { result: null })
    const older = await tellRequest(db, await tellBuildset(db), { result: 'SKIPPED', superseded_by: newer })
    expect(await facts().request(older)).toMatchObject({ supersededBy: newer, result: 'SKIPPED' })
    expect(await facts().request(newer)).toMatchObject({ supersededBy: null })
  })

  test('that is not there is undefined, as are build, buildset, log and artifact', async () => {
    const nothing = facts()
    expect(await nothing.request(7)).toBeUndefined()
    expect(await nothing.build(7)).toBeUndefined()
    expect(await nothing.buildset(7)).toBeUndefined()
    expect(await nothing.worker('nobody')).toBeUndefined()
    expect(await nothing.logBytes(7, 1000)).toBeUndefined()
    expect(await nothing.artifactBytes(7, 1000)).toBeUndefined()
    expect(await nothing.logTail(7, 10)).toBe('')
  })
})

describe('a build', () => {
  test('comes with its steps, their logs, its properties and artifacts', async () => {
    const { db } = database
    const id = await tellBuild(db, await tellRequest(db, await tellBuildset(db)), { summary: 'exit code 1' })
    const { log } = await tellStep(db, id, { number: 2, name: 'test', result: 'FAILURE', log: 'oops\n' })
    const { step } = await tellStep(db, id, { number: 1, name: 'git', result: 'SUCCESS' })
    await db
      .insertInto('build_properties')
      .values({ build_id: id, name: 'os', value: '"solaris"', source: 'worker' })
      .execute()
    await db
      .insertInto('artifacts')
      .values({
        build_id: id,
        step_id: step,
        name: 'app.tgz',
        path: 'x',
        size: 3,
        sha256: 'x',
        type: 'application/gzip',
      })
      .execute()
    const build = await facts().build(id)
    expect(build).toMatchObject({
      id,
      worker: 'bot-solaris',
      result: 'FAILURE',
      summary: 'exit code 1',
      properties: [{ name: 'os', value: 'solaris', source: 'worker' }],
      artifacts: [{ name: 'app.tgz', size: 3, type: 'application/gzip' }],
    })
    expect(build!.steps.map(({ logs, name, result }) => [name, result, logs])).toEqual([
      ['git', 'SUCCESS', []],
      ['test', 'FAILURE', [{ id: log, name: 'stdio', bytes: 5 }]],
    ])
  })
})

test('a buildset comes with all its requests', async () => {
  const { db } = database
  const id = await tellBuildset(db, { result: 'FAILURE' })
  const unit = await tellRequest(db, id)
  const docs = await tellRequest(db, id, { builder: 'docs', result: 'SUCCESS' })
  const buildset = await facts().buildset(id)
  expect(buildset).toMatchObject({ id, result: 'FAILURE', reason: 'a change was pushed' })
  expect(buildset!.requests.map((request) => [request.id, request.builder])).toEqual([
    [unit, 'unit'],
    [docs, 'docs'],
  ])
})

describe('a worker', () => {
  test('has what its agent told, and what waits that could run on it, oldest first', async () => {
    const { db } = database
    const told = {
      os: 'solaris',
      arch: 'x64',
      cpus: 2,
      memory: 1,
      hostname: 'sun',
      node: 'v20',
      admin: 'Bob',
      host: 'rack 7',
    }
    await db
      .insertInto('workers')
      .values({ name: 'bot-solaris', kind: 'static', facts: JSON.stringify(told), last_address: '10.0.0.7' })
      .execute()
    const buildset = await tellBuildset(db)
    const first = await tellRequest(db, buildset, { result: null })
    await tellRequest(db, buildset, { result: null, builder: 'docs' })
    await tellRequest(db, buildset, { result: 'SUCCESS' })
    const second = await tellRequest(db, buildset, { result: null })
    const worker = await facts().worker('bot-solaris')
    expect(worker).toMatchObject({
      admin: 'Bob',
      host: 'rack 7',
      hostname: 'sun',
      lastAddress: '10.0.0.7',
      connected: false,
      notifyOnMissing: ['bob@acme.example'],
    })
    expect(worker!.waiting.map(({ builder, id }) => [id, builder])).toEqual([
      [first, 'unit'],
      [second, 'unit'],
    ])
  })

  test('that has left the config is told with nobody to tell', async () => {
    await database.db.insertInto('workers').values({ name: 'gone', kind: 'latent' }).execute()
    expect(await facts().worker('gone')).toMatchObject({ kind: 'latent', notifyOnMissing: [], waiting: [] })
  })
})

describe('the end of a log', () => {
  async function logOf(text: string): Promise<number> {
    const build = await tellBuild(
      database.db,
      await tellRequest(database.db, await tellBuildset(database.db)),
    )
    const { log } = await tellStep(database.db, build, {
      number: 1,
      name: 'test',
      result: 'FAILURE',
      log: text,
    })
    return log!
  }

  test('is its last lines without escape sequences and what a progress bar has written over', async () => {
    const log = await logOf('one\n\x1b[31mtwo\x1b[0m\r\n 10%\r 50%\r100%\nthr\u202eee\x07\n')
    expect(await facts().logTail(log, 3)).toBe('two\n100%\nthree')
    expect(await facts().logTail(log, 1)).toBe('three')
    expect(await facts().logTail(log, 0)).toBe('')
  })

  test('of a long log is read without reading the rest, and begins with a whole line', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ä`)
    const tail = await facts().logTail(await logOf(`${lines.join('\n')}\n`), 100_000)
    expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(65_536)
    const shown = tail.split('\n')
    expect(shown).toEqual(lines.slice(-shown.length))
    expect(shown.length).toBeGreaterThan(3000)
  })

  test('that is one endless line is shown as far as it fits', async () => {
    const tail = await facts().logTail(await logOf('x'.repeat(300_000)), 5)
    expect(tail).toBe('x'.repeat(65_536))
  })
})

test('logs and artifacts are given whole, or not at all when they are too long', async () => {
  const { db } = database
  const build = await tellBuild(db, await tellRequest(db, await tellBuildset(db)))
  const { log, step } = await tellStep(db, build, {
    number: 1,
    name: 'test',
    result: 'SUCCESS',
    log: 'hello\n',
  })
  const dir = await tempDir()
  await writeFile(join(dir, 'there'), 'abc')
  await writeFile(join(dir, 'cut'), 'ab')
  const row = { build_id: build, step_id: step, size: 3, sha256: 'x', type: 'text/plain' }
  const ids = await db
    .insertInto('artifacts')
    .values(['there', 'cut', 'gone'].map((path) => ({ ...row, name: path, path })))
    .returning('id')
    .execute()
  const loaded = facts((path) => join(dir, path))
  expect((await loaded.logBytes(log!, 6))?.toString()).toBe('hello\n')
  expect(await loaded.logBytes(log!, 5)).toBeUndefined()
  const [there, cut, gone] = await Promise.all(ids.map(({ id }) => loaded.artifactBytes(id, 3)))
  expect(there?.toString()).toBe('abc')
  expect(cut).toBeUndefined()
  expect(gone).toBeUndefined()
  expect(await loaded.artifactBytes(ids[0]!.id, 2)).toBeUndefined()
})
