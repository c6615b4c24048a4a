import { describe, expect, test } from 'vitest'
import { deepFreeze } from '../../src/config/deep-freeze.ts'
import { defineMaster } from '../../src/config/define-master.ts'
import { localWorker } from '../../src/config/local-worker.ts'
import { once } from '../../src/config/once.ts'
import { secret } from '../../src/model/secret.ts'
import { staticWorker } from '../../src/config/static-worker.ts'
import { step } from '../../src/steps/step.ts'

describe('the pieces of a config are plain descriptions', () => {
  test('of a static worker', () => {
    const password = secret('BOT')
    expect(staticWorker('bot', { password, maxBuilds: 2, properties: { os: 'solaris' } })).toEqual({
      kind: 'static',
      name: 'bot',
      password,
      maxBuilds: 2,
      properties: { os: 'solaris' },
    })
  })

  test('of a local worker', () => {
    expect(localWorker('local-1')).toEqual({ kind: 'local', name: 'local-1' })
  })

  test('of a scheduler', () => {
    const described = { kind: 'once', name: 'first', builders: ['self'], reason: 'first start' }
    expect(once({ name: 'first', builders: ['self'], reason: 'first start' })).toEqual(described)
  })

  test('whose kind and name no option replaces', () => {
    const options = { kind: 'static', name: 'other', maxBuilds: 3 }
    expect(localWorker('mine', options)).toEqual({ kind: 'local', name: 'mine', maxBuilds: 3 })
  })
})

test('a config is frozen all the way down, and what was put in stays free', () => {
  const env = { TZ: 'UTC' }
  const config = defineMaster({
    workers: [localWorker('l', { env, properties: { list: [{ a: 1 }] } })],
    builders: [{ name: 'b', workers: ['l'], steps: [step('s', async () => {})], env }],
  })
  const frozen = [
    config,
    config.workers,
    config.workers[0],
    config.workers[0]!.env,
    config.workers[0]!.properties,
    config.workers[0]!.properties!.list,
    config.builders[0]!.env,
    config.builders[0]!.steps[0],
  ]
  expect(frozen.map(Object.isFrozen)).toEqual(frozen.map(() => true))
  env.TZ = 'CET'
  expect(config.builders[0]!.env).toEqual({ TZ: 'UTC' })
})

test('making a description never throws, so that all mistakes can be reported at once', () => {
  const wrong = undefined as never
  expect(() => defineMaster(wrong)).not.toThrow()
  expect(() => staticWorker(wrong, wrong)).not.toThrow()
  expect(() => localWorker('a', null as never)).not.toThrow()
  expect(() => once(wrong)).not.toThrow()
  expect(() => secret(wrong)).not.toThrow()
})

test('freezing copes with cycles, functions, class instances and a key named __proto__', () => {
  const date = new Date(0)
  const cyclic: Record<string, unknown> = { date, run: () => 1, ...JSON.parse('{"__proto__":{"x":1}}') }
  cyclic.self = cyclic
  const frozen = deepFreeze(cyclic)
  expect(frozen.self).toBe(frozen)
  expect(frozen.date).toBe(date)
  expect(Object.isFrozen(date)).toBe(false)
  expect(Object.keys(frozen)).toEqual(['date', 'run', '__proto__', 'self'])
  expect((frozen as { x?: unknown }).x).toBeUndefined()
})
