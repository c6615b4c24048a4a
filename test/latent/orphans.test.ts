import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Instance } from '../../src/latent/backend.ts'
import { Orphans } from '../../src/latent/orphans.ts'

const grace = 60_000
const unknown = (id: string): Instance => ({ id, cluster: 'c', worker: 'w', ref: id, state: 'running' })

test('an unknown instance is ended after two sweeps and the grace, and again until it is gone', () => {
  const orphans = new Orphans(grace)
  const at = (asOf: number) => orphans.sweep('docker', [unknown('x')], asOf).map(({ id }) => id)
  expect([at(0), at(30_000), at(59_999), at(60_000), at(70_000)]).toEqual([[], [], [], ['x'], ['x']])
})

test('one that was not seen for a sweep is new again; another backend has its own', () => {
  const orphans = new Orphans(grace)
  orphans.sweep('docker', [unknown('x')], 0)
  orphans.sweep('docker', [], 30_000)
  expect(orphans.sweep('docker', [unknown('x')], 70_000)).toEqual([])
  orphans.sweep('other', [], 80_000)
  expect(orphans.sweep('docker', [unknown('x')], 130_000)).toHaveLength(1)
})

test('whatever the sweeps show, none is ended that was not there in two of them in a row, a grace apart', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: 90_000 }),
          fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
        ),
      ),
      (sweeps) => {
        const orphans = new Orphans(grace)
        const since = new Map<string, number>()
        let now = 0
        for (const [step, ids] of sweeps) {
          now += step
          for (const id of since.keys()) if (!(ids as string[]).includes(id)) since.delete(id)
          for (const id of ids) if (!since.has(id)) since.set(id, now)
          for (const { id } of orphans.sweep('b', ids.map(unknown), now)) {
            expect(now - since.get(id)!).toBeGreaterThanOrEqual(grace)
          }
        }
      },
    ),
  )
})
