import { describe, expect, test } from 'vitest'
import { askHooks } from '../../src/builds/ask-hooks.ts'
import type { BuilderHooks, FreeWorker, WaitingRequest } from '../../src/config/types.ts'
import { Properties } from '../../src/model/properties.ts'

const request = (id: number): WaitingRequest => ({
  id,
  builder: 'unit',
  priority: 0,
  reason: 'forced',
  submittedAt: new Date(0),
  source: { repository: '', branch: null, revision: null },
  properties: new Properties([]),
})
const worker = (name: string): FreeWorker => ({
  name,
  kind: 'static',
  maxBuilds: 1,
  runningBuilds: 0,
  properties: {},
})

const workers = [worker('a'), worker('b')]
const never = new Promise<never>(() => {})

async function ask(hooks: BuilderHooks, deadline: Promise<never> = never) {
  const complaints: string[] = []
  const failed = (error: Error) => void complaints.push(error.message)
  const requests = [request(1), request(2)]
  const { reasons, start } = await askHooks({ hooks, requests, workersFor: () => workers, deadline, failed })
  const chosen = start ? `r${start.request} on ${start.worker}` : 'none'
  return { chosen, reasons: Object.fromEntries(reasons), complaints }
}

const boom = (_?: unknown) => {
  throw new Error('boom')
}

describe('functions of a builder', () => {
  test.each<[string, BuilderHooks, string]>([
    ['nothing to say: the usual order', {}, 'r1 on a'],
    ['nextBuild names a request', { nextBuild: (requests) => requests[1] }, 'r2 on a'],
    ['nextBuild names it by its id, later', { nextBuild: async () => 2 }, 'r2 on a'],
    ['nextWorker names a worker', { nextWorker: (shown) => shown.at(-1) }, 'r1 on b'],
    ['nextWorker names it by its name, later', { nextWorker: async () => 'b' }, 'r1 on b'],
    ['canStartBuild refuses a worker', { canStartBuild: (_, { name }) => name === 'b' }, 'r1 on b'],
    [
      'canStartBuild refuses a request: the next one',
      { canStartBuild: async ({ id }) => id === 2 },
      'r2 on a',
    ],
    [
      'all three',
      { nextBuild: () => 2, nextWorker: (shown) => shown.at(-1), canStartBuild: (_, w) => w.name === 'a' },
      'r2 on a',
    ],
  ])('%s', async (_, hooks, chosen) => {
    expect(await ask(hooks)).toMatchObject({ chosen, complaints: [] })
  })

  test.each<[string, BuilderHooks, object]>([
    [
      'nextBuild',
      { nextBuild: () => null },
      { 1: "waits: its builder's nextBuild chose none", 2: "waits: its builder's nextBuild chose none" },
    ],
    [
      'nextWorker',
      { nextBuild: () => 1, nextWorker: () => undefined },
      { 1: "waits: its builder's nextWorker chose none" },
    ],
    [
      'canStartBuild',
      { nextBuild: () => 1, canStartBuild: () => false },
      { 1: "waits: its builder's canStartBuild said no" },
    ],
  ])(
    '%s that wants nothing leaves the request waiting, and that is its reason',
    async (_, hooks, reasons) => {
      expect(await ask(hooks)).toEqual({ chosen: 'none', reasons, complaints: [] })
    },
  )

  test.each<[string, BuilderHooks, string]>([
    ['nextBuild throws', { nextBuild: boom }, "its builder's nextBuild failed: boom"],
    ['nextBuild rejects', { nextBuild: async () => boom() }, "its builder's nextBuild failed: boom"],
    [
      'nextBuild invents a request',
      { nextBuild: () => 7 },
      "its builder's nextBuild failed: it answered 7: nextBuild must return one of those it was given, or null",
    ],
    [
      'nextBuild spoils its list and throws',
      { nextBuild: (requests) => boom((requests as WaitingRequest[]).reverse()) },
      "its builder's nextBuild failed: boom",
    ],
    ['nextWorker throws', { nextWorker: boom }, "its builder's nextWorker failed: boom"],
    [
      'nextWorker invents a worker',
      { nextWorker: () => 'z' },
      "its builder's nextWorker failed: it answered 'z': nextWorker must return one of those it was given, or null",
    ],
  ])('when %s, the usual order holds, and that is told', async (_, hooks, complaint) => {
    expect(await ask(hooks)).toEqual({ chosen: 'r1 on a', reasons: {}, complaints: [complaint] })
  })

  test.each<[string, BuilderHooks['canStartBuild'], string]>([
    ['throws', boom, "waits: its builder's canStartBuild failed: boom"],
    [
      'answers nonsense',
      () => 'yes' as never,
      "waits: its builder's canStartBuild failed: it answered 'yes': it must be true or false",
    ],
  ])('when canStartBuild %s, the request waits, and that is told', async (_, canStartBuild, reason) => {
    const answer = await ask({ canStartBuild: canStartBuild! })
    expect(answer).toMatchObject({ chosen: 'none', reasons: { 1: reason, 2: reason } })
    expect(`waits: ${answer.complaints[0]}`).toBe(reason)
  })

  test('an answer that does not come in time counts as a failure', async () => {
    const late = Promise.reject(new Error('it did not answer within 10 s'))
    const answer = await ask({ nextBuild: () => never }, late)
    expect(answer).toEqual({
      chosen: 'r1 on a',
      reasons: {},
      complaints: ["its builder's nextBuild failed: it did not answer within 10 s"],
    })
  })
})
