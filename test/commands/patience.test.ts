import { expect, test } from 'vitest'
import { RemoteError } from '../../src/commands/client/remote-error.ts'
import { Patience } from '../../src/commands/follow/patience.ts'
import { RouseError } from '../../src/model/errors.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

test('an outage is told once however many tries it takes, and its end too', async () => {
  const { patience, clock, told } = patient(Infinity)
  let tries = 0
  const answer = patience.through(async () => {
    if (++tries < 20) throw away()
    return 'here'
  })
  await advance(clock, answer)
  expect(await answer).toBe('here')
  expect(told).toEqual(['lost', 'back'])
  expect(clock.now()).toBeGreaterThan(20_000)

  expect(await patience.through(async () => 'again')).toBe('again')
  expect(told).toEqual(['lost', 'back'])
})

test('the last error is thrown when the outage lasts longer than the limit', async () => {
  const { patience, clock } = patient(30_000)
  const answer = patience.through(() => Promise.reject(away()))
  await advance(clock, answer)
  await expect(answer).rejects.toThrow('away')
  expect(clock.now()).toBeGreaterThanOrEqual(30_000)
  expect(clock.now()).toBeLessThan(40_000)
})

test('a master that fails inside is given a minute, however patient the follower is', async () => {
  const { patience, clock } = patient(Infinity)
  const answer = patience.through(() => Promise.reject(refusal(500)))
  await advance(clock, answer)
  await expect(answer).rejects.toThrow('refused')
  expect(clock.now()).toBeLessThan(70_000)
})

test('a refusal is not waited out, and neither is anything else that is no outage', async () => {
  const { patience, told } = patient(Infinity)
  await expect(patience.through(() => Promise.reject(refusal(404)))).rejects.toThrow('refused')
  await expect(patience.through(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug')
  expect(told).toEqual([])
})

test('an overloaded master is asked again no sooner than it wants', async () => {
  const { patience, clock } = patient(Infinity)
  let tries = 0
  const answer = patience.through(async () => {
    if (++tries === 1) throw new RemoteError(429, { code: 'X', message: 'slow down', advice: '' }, 20_000)
    return clock.now()
  })
  await advance(clock, answer)
  expect(await answer).toBeGreaterThanOrEqual(20_000)
})

test('waiting ends at once when the user interrupts', async () => {
  const { patience, clock, controller } = patient(Infinity)
  const answer = patience.through(() => Promise.reject(away()))
  void waitFor('the wait', () => clock.sleeping > 0).then(() => controller.abort(new Error('enough')))
  await expect(answer).rejects.toThrow('enough')
})

function patient(limit: number) {
  const clock = new ManualClock()
  const controller = new AbortController()
  const told: string[] = []
  const view = {
    lost: async () => void told.push('lost'),
    back: async () => void told.push('back'),
  }
  const patience = new Patience({ signal: controller.signal, clock, limit, view })
  return { patience, clock, told, controller }
}

/** Lets time pass, a second at a time, until the answer is there. */
async function advance(clock: ManualClock, answer: Promise<unknown>): Promise<void> {
  let over = false
  const settle = () => (over = true)
  answer.then(settle, settle)
  while (!over) {
    if (clock.sleeping > 0) clock.advance(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function away(): RouseError {
  return new RouseError('ROUSE_MASTER_UNREACHABLE', 'away')
}

function refusal(status: number): RemoteError {
  return new RemoteError(status, { code: 'X', message: 'refused', advice: '' })
}
