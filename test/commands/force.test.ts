import { expect, test } from 'vitest'
import { fakeMaster } from './helpers/fake-master.ts'
import { rouse } from './helpers/run-cli.ts'

test('force sends what it is given, and the properties as text or as JSON', async () => {
  const master = await fakeMaster()
  const options = '--branch dev --revision abc --priority -5 --reason try -p tests=a=b -p depth:=3 -p empty='
  const run = rouse(['force', 'a b/c', ...options.split(' '), '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toBe('request r12\n')
  expect(master.asked).toHaveLength(1)
  expect(master.asked[0]).toMatchObject({ method: 'POST', path: '/builders/a%20b%2Fc/force' })
  expect(master.asked[0]!.body).toEqual({
    branch: 'dev',
    revision: 'abc',
    priority: -5,
    reason: 'try',
    properties: { tests: 'a=b', depth: 3, empty: '' },
  })
})

test('force asks again with the same key when the answer is lost, so that nothing is queued twice', async () => {
  const master = await fakeMaster()
  master.intercept = (_, response) => {
    if (master.asked.length > 2) return false
    response.destroy()
    return true
  }
  const run = rouse(['force', 'unit', '--json', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(JSON.parse(run.out())).toEqual({ buildsetId: 1, requestIds: [12] })
  const keys = master.asked.map(({ headers }) => headers['idempotency-key'])
  expect(keys).toHaveLength(3)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toMatch(/^[\da-f-]{36}$/)
})

test('cancel tells a build from a request, hands on the reason and says what became of it', async () => {
  const master = await fakeMaster()
  master.addBuild(master.addRequest())
  master.addRequest({ state: 'complete', result: 'CANCELLED' })
  master.finishBuild(master.addBuild(master.addRequest()), 'SUCCESS')
  const cases = [
    ['17', 'build 17 is being cancelled\n'],
    ['r13', 'request r13 is cancelled\n'],
    ['18', 'build 18 has already ended: SUCCESS\n'],
  ]
  for (const [target, said] of cases) {
    const run = rouse(['cancel', target!, '--reason', 'wrong branch', '--url', master.url])
    expect(await run.ended()).toBe(0)
    expect(run.out()).toBe(said)
  }
  expect(master.asked.map(({ path, body }) => [path, body])).toEqual([
    ['/builds/17/cancel', { reason: 'wrong branch' }],
    ['/requests/13/cancel', { reason: 'wrong branch' }],
    ['/builds/18/cancel', { reason: 'wrong branch' }],
  ])
})

test('rebuild queues the build again and can follow it', async () => {
  const master = await fakeMaster()
  const run = rouse(['rebuild', '17', '--follow', '--url', master.url])
  await run.shows('request r12')
  master.finishBuild(master.addBuild(master.requests[0]!), 'CANCELLED')
  expect(await run.ended()).toBe(3)
  expect(master.asked[0]).toMatchObject({ method: 'POST', path: '/builds/17/rebuild' })
})
