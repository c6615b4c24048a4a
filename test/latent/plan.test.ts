import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, type PlannedInstance, type PlannedPool, type PlannedRequest } from '../../src/latent/plan.ts'

const hashes = ['red', 'blue'] as const
const instances = fc.array(
  fc.record({
    templateHash: fc.constantFrom(...hashes),
    phase: fc.constantFrom<PlannedInstance['phase']>('starting', 'live', 'ending'),
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
        places: Math.min(instance.phase === 'starting' ? 0 : instance.places, rest.maxBuilds),
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
      const { kept, meantFor, starts, unwanted } = plan(p, r)
      for (const { closed, instances: found, max, minIdle, template, worker } of p) {
        const free = found.filter(
          ({ id, phase, places }) =>
            phase !== 'ending' && places === 0 && !meantFor.has(id) && !unwanted.some((one) => one.id === id),
        )
        const own = found.filter(({ id }) => kept.has(id))
        expect(own.length).toBe(Math.min(minIdle, free.length))
        if (closed !== undefined || !template || template.held !== undefined) continue
        const idleStarts = starts.filter((one) => one.worker === worker && one.requests.length === 0).length
        const room = max - found.length - starts.filter((one) => one.worker === worker).length
        if (room > 0) expect(own.length + idleStarts).toBeGreaterThanOrEqual(minIdle)
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
