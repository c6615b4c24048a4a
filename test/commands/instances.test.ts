import { expect, test } from 'vitest'
import type { ApiInstance, ApiReap } from '../../src/web/instance-api.ts'
import { fakeMaster, json, type FakeMaster } from './helpers/fake-master.ts'
import { rouse } from './helpers/run-cli.ts'

const instance: ApiInstance = {
  id: 'rouse-1a2b3c4d-dock-2-k3j9x0ab',
  name: 'dock/2',
  worker: 'dock',
  state: 'attached',
  why: 'idle, stops in 580 s',
  detail: null,
  ref: 'c0ffee',
  backend: 'docker here',
  createdAt: '2026-01-02T03:04:05.000Z',
  changedAt: '2026-01-02T03:04:05.000Z',
  age: 90,
  idleUntil: '2026-01-02T03:15:05.000Z',
  attempt: 1,
  builds: 3,
  runningBuilds: [],
  stopReason: null,
  pricePerHour: null,
  cost: null,
}
const orphan: ApiReap['items'][number] = {
  id: 'rouse-1a2b3c4d-dock-9-orphan',
  worker: 'dock',
  backend: 'docker here',
  ref: 'c0ffee',
  state: 'running',
  detail: null,
  ended: false,
  error: null,
}

test('instances says of each how old it is, until when it is kept, and why it is as it is', async () => {
  const master = await fakeMaster()
  const waits = 'attempt 3, next try in 40 s: connection refused'
  master.instances.push({
    ...instance,
    name: 'dock/1',
    state: 'requested',
    attempt: 3,
    idleUntil: null,
    why: waits,
  })
  master.instances.push(instance)
  const run = rouse(['instances', '--url', master.url])
  expect(await run.ended()).toBe(0)
  const [title, first, second, ...none] = run.out().split('\n')
  expect(title).toMatch(/^INSTANCE {2}STATE .* AGE {2}IDLE UNTIL .* ATTEMPT {2}BUILDS {2}ID .* WHY$/)
  expect(first).toMatch(/^dock\/1 .* requested .* - .* 3 .* attempt 3, next try in 40 s: connection refused$/)
  expect(second).toMatch(
    /^dock\/2 .* attached .* 1 m 30 s {2}2026-01-02T03:15:05.000Z .* idle, stops in 580 s$/,
  )
  expect(none).toEqual([''])
  expect(master.asked[0]!.query).toEqual({ limit: '100' })
})

test('instances --all asks for those that are gone, too, and shows costs where there are prices', async () => {
  const master = await fakeMaster()
  master.instances.push({ ...instance, pricePerHour: 2, cost: 0.0512 })
  const run = rouse(['instances', '--all', '--worker', 'dock', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(master.asked[0]!.query).toEqual({ worker: 'dock', all: 'true', limit: '100' })
  expect(run.out()).toMatch(/ COST .*\n.* 0\.051 /)
})

test('instances --json prints the JSON of the API; without any a pipe gets nothing', async () => {
  const master = await fakeMaster()
  const empty = rouse(['instances', '--url', master.url])
  expect(await empty.ended()).toBe(0)
  expect([empty.out(), empty.err()]).toEqual(['', 'no instance lives\n'])
  master.instances.push(instance)
  const run = rouse(['instances', '--json', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(JSON.parse(run.out())).toEqual({ items: [instance], next: null })
})

test('workers says of a latent worker that it is asleep, and what its instances do', async () => {
  const master = await fakeMaster()
  const worker = { kind: 'latent', connected: false, runningBuilds: [], maxBuilds: 1, lastSeenAt: null }
  master.workers.push({ ...worker, name: 'dock', status: '1 of 4 instances: 1 starting' })
  const run = rouse(['workers', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toMatch(/\ndock +latent +asleep +0 +- +1 of 4 instances: 1 starting\n$/)
})

test('reap --dry-run says what nobody knows, and leaves it', async () => {
  const master = await fakeMaster()
  master.intercept = answering({ dryRun: true, items: [orphan], troubles: [] })
  const run = rouse(['reap', '--dry-run', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toMatch(/^ID .*\nrouse-1a2b3c4d-dock-9-orphan {2}dock .* running .* c0ffee .*\n$/)
  expect(master.asked[0]).toMatchObject({ path: '/instances/reap', body: { dryRun: true } })
})

test('reap that could not do everything says so and ends with 1', async () => {
  const master = await fakeMaster()
  master.intercept = answering({
    dryRun: false,
    items: [
      { ...orphan, ended: true },
      { ...orphan, error: 'no answer' },
    ],
    troubles: [{ backend: 'docker there', message: 'connection refused' }],
  })
  const run = rouse(['reap', '--url', master.url])
  expect(await run.ended()).toBe(1)
  expect(run.out()).toMatch(/ yes\n.* no: no answer\n$/)
  expect(run.err()).toContain('docker there cannot be asked: connection refused\n')
  expect(run.err()).toContain('ROUSE_REAP_INCOMPLETE')
})

test('requests and force --follow say why the instances of a request never started', async () => {
  const master = await fakeMaster()
  const failed = {
    state: 'complete',
    result: 'EXCEPTION',
    waitingFor: null,
    startFailure: 'no such image',
  } as const
  master.addRequest({ ...failed, position: null })
  const list = rouse(['requests', '--all', '--url', master.url])
  expect(await list.ended()).toBe(0)
  expect(list.out()).toMatch(/ EXCEPTION .* no such image\n$/)
  const add = master.addRequest.bind(master)
  master.addRequest = (more) => add({ ...more, ...failed, position: null })
  const run = rouse(['force', 'unit', '--follow', '--url', master.url])
  expect(await run.ended()).toBe(5)
  expect(run.out()).toBe('request r13\nrequest r13 ended without a build: EXCEPTION (no such image)\n')
})

function answering(answer: ApiReap): FakeMaster['intercept'] {
  return (_asked, response) => {
    json(response, 200, answer)
    return true
  }
}
