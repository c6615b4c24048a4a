import { expect, test } from 'vitest'
import { LockKeeper } from '../../src/builds/lock-keeper.ts'
import type { PendingRequest } from '../../src/builds/pending-queue.ts'
import { nothingStored } from '../../src/builds/stored-calls.ts'
import type { UnfinishedBuild } from '../../src/builds/take-up.ts'
import { masterLock, workerLock } from '../../src/model/lock.ts'
import { testWorker } from '../helpers/test-worker.ts'

const request = (id: number): PendingRequest => ({
  id,
  builder: 'unit',
  priority: 0,
  notBefore: 0,
  avoidWorker: undefined,
})
const db = masterLock('db')
const disk = workerLock('disk', { maxCountForWorker: { big: 2 } })
const ofStep = (id: number, o = { mode: 'exclusive' as 'exclusive' | 'counting' }) => ({
  id,
  name: `step ${id}`,
  locks: [db.access(o.mode)],
})
const build = (id: number) => ({ id, builder: 'unit', worker: 'a' })

test('a lock of workers is another one on each, with its own count', () => {
  const keeper = new LockKeeper(() => {})
  const builder = { locks: [disk.access('counting')] }
  const workers = [testWorker('big'), testWorker('small')]
  const taken = [1, 2, 3, 4].map((id) => keeper.takeForRequest(request(id), builder, workers)?.name)
  expect(taken).toEqual(['big', 'big', 'small', undefined])
  expect(keeper.reason(4)).toBe('waits for lock "disk" held by r1 of unit and 1 more')
  keeper.release(3)
  expect(keeper.takeForRequest(request(4), builder, workers)?.name).toBe('small')
})

test("a worker's own locks are held by what runs on it; a worker without them is taken at once", () => {
  const keeper = new LockKeeper(() => {})
  const locked = [testWorker('a', [db.access('exclusive')]), testWorker('b', [db.access('exclusive')])]
  expect(keeper.takeForRequest(request(1), {}, locked)?.name).toBe('a')
  keeper.built(1, { id: 7, builder: 'unit' })
  expect(keeper.takeForRequest(request(2), {}, locked)).toBeUndefined()
  expect(keeper.reason(2)).toBe('waits for lock "db" held by build 7 of unit')
  expect(keeper.takeForRequest(request(2), {}, [...locked, testWorker('c')])?.name).toBe('c')
})

test('requests and steps stand in one line, and a step is told when it has its turn', async () => {
  let freed = 0
  const keeper = new LockKeeper(() => freed++)
  const builder = { locks: [db.access('exclusive')] }
  const workers = [testWorker('a')]
  const turns = [1, 2].map((id) => keeper.takeForStep(ofStep(id), build(9)))
  expect(turns[0]!.reason).toBeUndefined()
  expect(turns[1]!.reason).toBe('waits for lock "db" held by build 9 of unit, step "step 1"')
  expect(keeper.takeForRequest(request(1), builder, workers)).toBeUndefined()
  const last = keeper.takeForStep(ofStep(3), build(9))
  keeper.releaseStep(1)
  await turns[1]!.taken
  expect([keeper.has(2), keeper.has(3)]).toEqual([true, false])
  keeper.releaseStep(2)
  expect(keeper.has(3)).toBe(false)
  expect(freed).toBeGreaterThan(0)
  keeper.release(1)
  await last.taken
  keeper.releaseStep(3)
  expect(keeper.takeForRequest(request(2), builder, workers)?.name).toBe('a')
})

test('a request whose workers have gone lets a step pass', async () => {
  const keeper = new LockKeeper(() => {})
  const builder = { locks: [db.access('exclusive')] }
  keeper.takeForStep(ofStep(1), build(9))
  keeper.takeForRequest(request(1), builder, [testWorker('a')])
  const turn = keeper.takeForStep(ofStep(2), build(9))
  keeper.releaseStep(1)
  expect(keeper.has(2)).toBe(false)
  keeper.letPass(new Set())
  await turn.taken
})

test("a build that goes on has its locks back: its builder's, its worker's, and what its step had taken", () => {
  const keeper = new LockKeeper(() => {})
  const net = masterLock('net')
  const needs = [{ lock: 'master db', name: 'db', maxCount: 1, mode: 'exclusive', count: 1 }]
  const taken = { call: '(locks)', kind: 'locks', request: needs, result: null }
  const step = {
    id: 5,
    number: 1,
    name: 'make',
    result: null,
    summary: null,
    stored: { ...nothingStored, effects: [taken] },
  }
  const stored = { id: 7, requestId: 3, builder: 'unit', steps: [step] } as unknown as UnfinishedBuild
  keeper.takeBack(stored, { locks: [disk.access('exclusive')] }, testWorker('a', [net.access('counting')]))
  const wants = (lock: typeof db, id: number) => {
    expect(
      keeper.takeForRequest(request(id), { locks: [lock.access('exclusive')] }, [testWorker('a')]),
    ).toBeUndefined()
    return keeper.reason(id)
  }
  expect(wants(db, 11)).toBe('waits for lock "db" held by build 7 of unit, step "make"')
  expect(wants(disk, 12)).toBe('waits for lock "disk" held by build 7 of unit')
  expect(wants(net, 13)).toBe('waits for lock "net" held by build 7 of unit')
  keeper.releaseStep(5)
  keeper.release(3)
  for (const id of [11, 12, 13]) keeper.release(id)
  expect(keeper.someoneWaits).toBe(false)
  for (const [i, lock] of [db, disk, net].entries())
    expect(
      keeper.takeForRequest(request(20 + i), { locks: [lock.access('exclusive')] }, [testWorker('a')]),
    ).toBeDefined()
})
