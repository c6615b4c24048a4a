import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseWorker, freeWorkers, whyItWaits } from '../../src/builds/choose-worker.ts'

const free = (name: string) => ({ name, inService: true, obstacle: undefined })
const busy = (name: string) => ({ name, inService: true, obstacle: 'runs 1 of 1 builds' })
const away = (name: string) => ({ name, inService: false, obstacle: 'is not connected' })

describe('choosing a worker', () => {
  test.each([
    ['the first free one in the order of preference', [busy('a'), free('b'), free('c')], undefined, 'b'],
    ['none when all are taken', [busy('a'), busy('b')], undefined, undefined],
    ['another one than the one to avoid', [free('a'), free('b')], 'a', 'b'],
    [
      'none rather than the one to avoid while the other is only busy',
      [free('a'), busy('b')],
      'a',
      undefined,
    ],
    ['the one to avoid when there is no other', [free('a')], 'a', 'a'],
    ['the one to avoid while the others are away', [free('a'), away('b')], 'a', 'a'],
    ['none when the builder has no workers', [], undefined, undefined],
  ])('takes %s', (_, candidates, avoid, expected) => {
    expect(chooseWorker(candidates, avoid)?.name).toBe(expected)
  })
})

describe('why a request waits', () => {
  test.each([
    [[busy('a')], 1, 0, 'waits for a worker: a runs 1 of 1 builds'],
    [[busy('a'), away('b')], 1, 0, 'waits for a worker: a runs 1 of 1 builds; b is not connected'],
    [[1, 2, 3, 4, 5].map((n) => busy(`w${n}`)), 1, 0, /; 2 more are not free either$/],
    [[free('a')], 3, 0, '2 requests of its builder come first'],
    [[free('a')], 1, 2500, 'waits 3 s before the next attempt'],
    [[], 1, 0, 'waits for ever: its builder has no worker in the config'],
  ])('is said in one sentence (%#)', (candidates, position, backsOffFor, sentence) => {
    expect(whyItWaits(candidates, { position, backsOffFor })).toMatch(sentence)
  })
})

test('a request that has a worker but no lock, or is refused by its builder, says that', () => {
  const heldUp = 'waits for lock "db" held by build 1 of unit'
  expect(whyItWaits([free('a')], { position: 1, backsOffFor: 0, heldUp })).toBe(heldUp)
  expect(whyItWaits([busy('a')], { position: 1, backsOffFor: 0, heldUp })).toMatch(
    /^waits for a worker: a runs/,
  )
})

test('a request that avoids a free worker says that it waits for another', () => {
  expect(whyItWaits([free('a'), busy('b')], { avoid: 'a', position: 1, backsOffFor: 0 })).toBe(
    'waits for a worker: a failed it and is used only when no other is there; b runs 1 of 1 builds',
  )
  expect(whyItWaits([free('a'), away('b')], { avoid: 'a', position: 1, backsOffFor: 0 })).toBe('starts now')
})

describe('whatever the workers are', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const candidates = fc.uniqueArray(fc.oneof(name.map(free), name.map(busy), name.map(away)), {
    selector: (one) => one.name,
  })
  const holds = (
    check: (candidates: readonly ReturnType<typeof busy | typeof free>[], avoid: string | undefined) => void,
  ) => fc.assert(fc.property(candidates, fc.option(name, { nil: undefined }), check), { numRuns: 500 })

  test('the one that is chosen is free, and nobody before it in the order of preference is a better one', () =>
    holds((all, avoid) => {
      const chosen = chooseWorker(all, avoid)
      if (!chosen) return
      expect(chosen.obstacle).toBeUndefined()
      const before = all.slice(
        0,
        all.findIndex((one) => one.name === chosen.name),
      )
      expect(before.filter((one) => one.obstacle === undefined && one.name !== avoid)).toEqual([])
    }))

  test('one is chosen unless nobody is free, or only the one to avoid while another is in service', () =>
    holds((all, avoid) => {
      const others = all.filter((one) => one.name !== avoid)
      const wanted = others.some(({ inService }) => inService) ? others : all
      expect(chooseWorker(all, avoid) !== undefined).toBe(wanted.some((one) => one.obstacle === undefined))
    }))

  test('the one to avoid is chosen only when no other is in service', () =>
    holds((all, avoid) => {
      if (avoid === undefined || chooseWorker(all, avoid)?.name !== avoid) return
      expect(all.filter((one) => one.name !== avoid && one.inService)).toEqual([])
    }))

  test('the first of the free ones is the one that is chosen, and why a request waits is said when there is none', () =>
    holds((all, avoid) => {
      const [first] = freeWorkers(all, avoid)
      expect(first).toBe(chooseWorker(all, avoid))
      const why = whyItWaits(all, { avoid, position: 1, backsOffFor: 0 })
      if (first) expect(why).toBe('starts now')
      else expect(why).toMatch(/^waits for/)
    }))
})
