import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeConfigs } from '../../src/config/merge.ts'
import { secret } from '../../src/model/secret.ts'

describe('an overlay', () => {
  test('changes the keys it names and leaves the others', () => {
    const base = { title: 'Acme', listen: { host: '127.0.0.1', port: 8010 }, database: 'embedded' }
    expect(mergeConfigs(base, { title: 'Test', listen: { port: 9000 } })).toEqual({
      title: 'Test',
      listen: { host: '127.0.0.1', port: 9000 },
      database: 'embedded',
    })
  })

  test.each(['workers', 'builders', 'schedulers', 'reporters'])(
    'merges %s by name and keeps their order',
    (list) => {
      const base = {
        [list]: [
          { name: 'a', x: 1, y: 1 },
          { name: 'b', x: 1 },
        ],
      }
      const overlay = {
        [list]: [
          { name: 'c', x: 3 },
          { name: 'a', x: 2 },
        ],
      }
      expect(mergeConfigs(base, overlay)).toEqual({
        [list]: [
          { name: 'a', x: 2, y: 1 },
          { name: 'b', x: 1 },
          { name: 'c', x: 3 },
        ],
      })
    },
  )

  test('replaces other arrays, also inside a named entry', () => {
    const base = {
      agents: { listen: [{ host: 'a', port: 1 }], url: 'ws://a' },
      builders: [{ name: 'unit', workers: ['a', 'b'], steps: ['s1', 's2'], env: { A: '1', B: '1' } }],
    }
    const overlay = {
      agents: { listen: [{ host: 'b', port: 2 }] },
      builders: [{ name: 'unit', workers: ['c'], env: { B: '2' } }],
    }
    expect(mergeConfigs(base, overlay)).toEqual({
      agents: { listen: [{ host: 'b', port: 2 }], url: 'ws://a' },
      builders: [{ name: 'unit', workers: ['c'], steps: ['s1', 's2'], env: { A: '1', B: '2' } }],
    })
  })

  test('replaces a worker by one of another kind as a whole', () => {
    const base = { workers: [{ kind: 'static', name: 'w', password: 'p', maxBuilds: 2 }] }
    expect(mergeConfigs(base, { workers: [{ kind: 'local', name: 'w' }] })).toEqual({
      workers: [{ kind: 'local', name: 'w' }],
    })
  })

  test('replaces a secret as a whole, and a text by a secret', () => {
    const [a, b] = [secret('A'), secret('B')]
    const merged = mergeConfigs(
      { database: a, workers: [{ name: 'w', password: 'p' }] },
      {
        database: b,
        workers: [{ name: 'w', password: a }],
      },
    ) as { database: unknown; workers: { password: unknown }[] }
    expect(merged.database).toBe(b)
    expect(merged.workers[0]!.password).toBe(a)
  })

  test('can set null, and undefined says nothing', () => {
    const base = { workers: [{ name: 'w', keepaliveInterval: 60, maxBuilds: 2 }] }
    const overlay = { workers: [{ name: 'w', keepaliveInterval: null, maxBuilds: undefined }] }
    expect(mergeConfigs(base, overlay)).toEqual({
      workers: [{ name: 'w', keepaliveInterval: null, maxBuilds: 2 }],
    })
  })

  test('keeps the mistakes of both sides for the check to find', () => {
    const base = { workers: [{ name: 'w' }, { name: 'w' }, 'oops'] }
    const overlay = { workers: [{ name: 'x' }, { name: 'x' }, 7, {}], builders: 'none' }
    expect(mergeConfigs(base, overlay)).toEqual({
      workers: [{ name: 'w' }, { name: 'w' }, 'oops', { name: 'x' }, { name: 'x' }, 7, {}],
      builders: 'none',
    })
  })
})

test('merging changes neither side', () => {
  const base = Object.freeze({
    workers: Object.freeze([Object.freeze({ name: 'a' })]),
    o: Object.freeze({ a: 1 }),
  })
  const overlay = Object.freeze({
    workers: Object.freeze([Object.freeze({ name: 'a', b: 1 })]),
    o: Object.freeze({ b: 1 }),
  })
  expect(mergeConfigs(base, overlay)).toEqual({ workers: [{ name: 'a', b: 1 }], o: { a: 1, b: 1 } })
  expect(base).toEqual({ workers: [{ name: 'a' }], o: { a: 1 } })
})

test('a key named __proto__ changes no prototype', () => {
  const merged = mergeConfigs({ env: { a: '1' } }, { env: JSON.parse('{"__proto__":{"polluted":true}}') })
  expect((merged as { env: { polluted?: unknown } }).env.polluted).toBeUndefined()
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('an empty overlay, and an overlay laid twice, change nothing more', () => {
  const json = fc
    .jsonValue({ maxDepth: 3 })
    .filter((value) => typeof value === 'object' && !Array.isArray(value))
  const uniqueNames = fc.uniqueArray(fc.record({ name: fc.string(), x: fc.jsonValue({ maxDepth: 1 }) }), {
    selector: (entry) => entry.name,
  })
  const config = fc.record({ title: fc.string(), listen: json, workers: uniqueNames })
  fc.assert(
    fc.property(config, config, (base, overlay) => {
      expect(mergeConfigs(base, {})).toEqual(base)
      const merged = mergeConfigs(base, overlay)
      expect(mergeConfigs(merged, overlay)).toEqual(merged)
    }),
  )
})
