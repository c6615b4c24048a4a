import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, type PlannedInstance, type PlannedPool, type PlannedRequest } from '../../src/latent/plan.ts'

const hashes = ['red', 'blue'] as const
const instances = fc.array(
  fc.record({
    templateHash: fc.constantFrom(...hashes),
    phase: fc.constantFrom<PlannedInstance['phase']>(
      'starting',
      'live',
      'resetting',
      'parking',
      'parked',
      'ending',
    ),
    places: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 4 },
)
const pool = (worker: string) =>
  fc
    .record({
      max: fc.integer({ min: 1, max: 5 }),
      idle: fc.integer({ min: 0, max: 5 }),
      maxBuilds: fc.integer({ min: 1, max: 2 }),
      closed: fc.option(fc.constant('is paused'), { nil: undefined, freq: 5 }),
      template: fc.option(
        fc.record({
          hash: fc.constantFrom(...hashes),
          held: fc.option(fc.constant('tries later'), { nil: undefined }),
        }),
        { nil: undefined },
      ),
      instances,
    })
    .map(({ idle, instances: found, ...rest }): PlannedPool => ({
      ...rest,
      worker,
      minIdle: Math.min(idle, rest.max),
      instances: found.slice(0, rest.max).map((instance, index) => ({
        ...instance,
        places: Math.min(hasBuilds(instance.phase) ? instance.places : 0, rest.maxBuilds),
        id: `${worker}-${index}`,
        name: `${worker}/${index + 1}`,
        sentence: 'is starting',
      })),
    }))
const pools = fc.tuple(pool('a'), pool('b'))
const requests = fc
  .array(
    fc.uniqueArray(
      fc.record({
        worker: fc.constantFrom('a', 'b'),
        template: fc.record({
          hash: fc.constantFrom(...hashes),
          held: fc.option(fc.constant('tries later'), { nil: undefined, freq: 3 }),
        }),
      }),
      { selector: ({ worker }) => worker, minLength: 1 },
    ),
    { maxLength: 12 },
  )
  .map((all) => all.map((choices, index): PlannedRequest => ({ id: index + 1, choices })))

const all = (check: (p: readonly PlannedPool[], r: readonly PlannedRequest[]) => void) =>
  fc.assert(fc.property(pools, requests, check), { numRuns: 3000 })

describe('whatever waits and whatever there is', () => {
  test('instances are never more than max', () => {
    all((p, r) => {
      const { starts } = plan(p, r)
      for (const { instances: found, max, worker } of p)
        expect(found.length + starts.filter((start) => start.worker === worker).length).toBeLessThanOrEqual(
          max,
        )
    })
  })

  test('nothing is started twice for one request, nor for one that has a place', () => {
    all((p, r) => {
      const { meantFor, starts } = plan(p, r)
      const served = [...starts.flatMap((start) => start.requests), ...[...meantFor.values()].flat()]
      expect(served).toHaveLength(new Set(served).size)
    })
  })

  test('a worker that is closed, or whose template is held back, starts nothing', () => {
    all((p, r) => {
      for (const { requests: meant, templateHash, worker } of plan(p, r).starts) {
        const own = p.find((one) => one.worker === worker)!
        expect(own.closed).toBe(undefined)
        if (meant.length === 0) expect(own.template).toMatchObject({ hash: templateHash, held: undefined })
        const [request] = meant
        const choice = r.find(({ id }) => id === request)?.choices.find((one) => one.worker === worker)
        if (choice) expect(choice.template).toEqual({ hash: templateHash, held: undefined })
      }
    })
  })

  test('a request is meant only for instances of its template on its workers, and at most maxBuilds for one', () => {
    all((p, r) => {
      for (const [id, meant] of plan(p, r).meantFor) {
        const own = p.find((one) => one.instances.some((instance) => instance.id === id))!
        const instance = own.instances.find((one) => one.id === id)!
        expect(instance.places + meant.length).toBeLessThanOrEqual(own.maxBuilds)
        for (const request of meant) {
          const { choices } = r.find((one) => one.id === request)!
          expect(choices).toContainEqual(
            expect.objectContaining({
              worker: own.worker,
              template: expect.objectContaining({ hash: instance.templateHash }) as object,
            }),
          )
        }
      }
    })
  })

  test('each request that waits has a sentence that says why', () => {
    all((p, r) => {
      const { reasons } = plan(p, r)
      for (const { id } of r) expect(reasons.get(id)).toMatch(/\S/)
    })
  })

  test('no instance that builds or is meant for somebody is unwanted, and none is unwanted twice', () => {
    all((p, r) => {
      const { meantFor, unwanted } = plan(p, r)
      const ids = unwanted.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const id of ids) {
        expect(meantFor.has(id)).toBe(false)
        const instance = p.flatMap((one) => one.instances).find((one) => one.id === id)!
        expect(instance.places).toBe(0)
        expect(instance.phase).not.toBe('ending')
      }
    })
  })

  test('minIdle instances are kept or started wherever there is room', () => {
    all((p, r) => {
      const { kept, meantFor, starts, unwanted, wakes } = plan(p, r)
      for (const { closed, instances: found, max, minIdle, template, worker } of p) {
        const free = found.filter(
          ({ id, phase, places }) =>
            !['ending', 'parking', 'parked'].includes(phase) &&
            places === 0 &&
            !meantFor.has(id) &&
            !unwanted.some((one) => one.id === id),
        )
        const own = found.filter(({ id }) => kept.has(id))
        expect(own.length).toBe(Math.min(minIdle, free.length))
        if (closed !== undefined || !template || template.held !== undefined) continue
        const idleWakes = found.filter(({ id }) => wakes.includes(id) && !meantFor.has(id)).length
        const idleStarts =
          idleWakes + starts.filter((one) => one.worker === worker && one.requests.length === 0).length
        const room = max - found.length - starts.filter((one) => one.worker === worker).length
        if (room > 0) expect(own.length + idleStarts).toBeGreaterThanOrEqual(minIdle)
      }
    })
  })

  test('nothing is started while one of its template is parked, nothing closed or held is woken, and nothing that is unwanted', () => {
    all((p, r) => {
      const { starts, unwanted, wakes } = plan(p, r)
      expect(new Set(wakes).size).toBe(wakes.length)
      for (const { closed, instances: found, worker } of p) {
        const own = found.filter(({ id }) => wakes.includes(id))
        expect(own.every(({ phase }) => phase === 'parked')).toBe(true)
        if (closed !== undefined) expect(own).toEqual([])
        for (const { id } of own) expect(unwanted.map((one) => one.id)).not.toContain(id)
        for (const start of starts.filter((one) => one.worker === worker)) {
          const asleep = found.filter(
            ({ id, phase, templateHash }) =>
              phase === 'parked' &&
              templateHash === start.templateHash &&
              !wakes.includes(id) &&
              !unwanted.some((one) => one.id === id),
          )
          expect(asleep).toEqual([])
        }
      }
    })
  })

  test('nothing waits for a start while there is room for one', () => {
    all((p, r) => {
      const { meantFor, starts } = plan(p, r)
      const served = new Set([...starts.flatMap((start) => start.requests), ...[...meantFor.values()].flat()])
      for (const { choices, id } of r) {
        if (served.has(id)) continue
        for (const { template, worker } of choices) {
          const { closed, instances: found, max } = p.find((one) => one.worker === worker)!
          const size = found.length + starts.filter((start) => start.worker === worker).length
          expect(closed !== undefined || template.held !== undefined || size >= max).toBe(true)
        }
      }
    })
  })
})

const ready = (id: string, phase: PlannedInstance['phase'], more: Partial<PlannedInstance> = {}) =>
  ({ id, name: id, templateHash: 'red', phase, places: 0, sentence: `is ${phase}`, ...more }) as const
const cold = (more: Partial<PlannedPool>): PlannedPool => ({
  worker: 'a',
  max: 2,
  minIdle: 0,
  maxBuilds: 1,
  instances: [],
  ...more,
})
const wish = (id: number, hash = 'red') => ({ id, choices: [{ worker: 'a', template: { hash } }] })

describe('parked instances', () => {
  test('are woken for whom no idle one is there, before a new one is started', () => {
    const pool = cold({ max: 3, instances: [ready('parked', 'parked'), ready('idle', 'live')] })
    const { meantFor, reasons, starts, wakes } = plan([pool], [wish(1), wish(2), wish(3)])
    expect([...meantFor]).toEqual([
      ['idle', [1]],
      ['parked', [2]],
    ])
    expect(wakes).toEqual(['parked'])
    expect(reasons.get(2)).toBe('waking parked')
    expect(starts).toMatchObject([{ requests: [3] }])
  })

  test('are waited for while they are being parked', () => {
    const { reasons, starts, wakes } = plan([cold({ instances: [ready('one', 'parking')] })], [wish(1)])
    expect({ starts, wakes, reason: reasons.get(1) }).toEqual({
      starts: [],
      wakes: [],
      reason: 'one is parking',
    })
  })

  test('make room for another template before one that runs does', () => {
    const pool = cold({ instances: [ready('idle', 'live'), ready('parked', 'parked')] })
    expect(plan([pool], [wish(1, 'blue')]).unwanted).toMatchObject([{ id: 'parked' }])
  })

  test('end when their worker is drained, and when there may be fewer', () => {
    const instances = [ready('one', 'parked'), ready('two', 'parking'), ready('idle', 'live')]
    const ended = (more: Partial<PlannedPool>) =>
      plan([cold({ max: 3, instances, ...more })], []).unwanted.map(({ id }) => id)
    expect(ended({})).toEqual([])
    expect(ended({ drained: true, closed: 'is drained' })).toEqual(['one', 'two'])
    expect(ended({ max: 2 })).toEqual(['one'])
  })
})

function hasBuilds(phase: PlannedInstance['phase']): boolean {
  return phase === 'live' || phase === 'ending'
}
