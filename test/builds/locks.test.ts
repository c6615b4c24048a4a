import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LockTable, type Need } from '../../src/builds/locks.ts'
import type { LockMode } from '../../src/model/lock.ts'

const need = (lock: string, mode: LockMode = 'exclusive', count = 1, maxCount = 3): Need => ({
  lock,
  name: lock,
  maxCount,
  mode,
  count,
})

describe('locks', () => {
  test('an exclusive one waits for all who count, and nobody who comes later overtakes it', () => {
    const table = new LockTable()
    expect(table.take('a', [[need('db', 'counting')]])).toBe(0)
    expect(table.take('alone', [[need('db')]])).toBeUndefined()
    expect(table.take('b', [[need('db', 'counting')]])).toBeUndefined()
    expect(table.obstacle('alone')).toEqual({ name: 'db', holders: ['a'], ahead: [] })
    table.release('a')
    expect(table.take('b', [[need('db', 'counting')]])).toBeUndefined()
    expect(table.obstacle('b')).toEqual({ name: 'db', holders: [], ahead: ['alone'] })
    expect(table.take('alone', [[need('db')]])).toBe(0)
    table.release('alone')
    expect(table.take('b', [[need('db', 'counting')]])).toBe(0)
    expect(table.someoneWaits).toBe(false)
  })

  test('counting ones share up to maxCount', () => {
    const table = new LockTable()
    const count = (n: number) => [[need('db', 'counting', n)]]
    expect(table.take('two', count(2))).toBe(0)
    expect(table.take('three', count(3))).toBeUndefined()
    expect(table.take('one', count(1))).toBeUndefined()
    table.leave('three')
    expect(table.take('one', count(1))).toBe(0)
  })

  test('all or none: who waits for one lock holds no other, and still nobody takes that one from under it', () => {
    const table = new LockTable()
    table.take('a', [[need('db')]])
    expect(table.take('both', [[need('db'), need('net')]])).toBeUndefined()
    expect(table.holds('both')).toBe(false)
    expect(table.take('late', [[need('net')]])).toBeUndefined()
    table.release('a')
    expect(table.take('both', [[need('db'), need('net')]])).toBe(0)
  })

  test('the first way that can be had is taken', () => {
    const table = new LockTable()
    table.take('a', [[need('cpu of x')]])
    expect(table.take('b', [[need('cpu of x')], [need('cpu of y')]])).toBe(1)
    expect(table.take('c', [[need('cpu of x')], [need('cpu of y')]])).toBeUndefined()
    table.release('b')
    expect(table.take('c', [[need('cpu of x')], [need('cpu of y')]])).toBe(1)
  })

  test('who could not start now lets the others pass, and keeps its place', () => {
    const table = new LockTable()
    table.take('a', [[need('db')]])
    table.take('first', [[need('db')]])
    table.take('second', [[need('db')]])
    table.letPass((owner) => owner !== 'first')
    table.release('a')
    expect(table.take('first', [[need('db')]])).toBe(0)
    table.letPass(() => true)
    table.release('first')
    expect(table.take('second', [[need('db')]])).toBe(0)
    table.take('first', [[need('db')]])
    table.take('third', [[need('db')]])
    table.letPass((owner) => owner !== 'first')
    table.release('second')
    expect(table.take('third', [[need('db')]])).toBe(0)
  })

  test('what was held before a restart is held again without asking', () => {
    const table = new LockTable()
    table.hold('a', [need('db')])
    table.hold('b', [need('db')])
    expect(table.take('c', [[need('db')]])).toBeUndefined()
    table.release('a')
    expect(table.take('c', [[need('db')]])).toBeUndefined()
    table.release('b')
    expect(table.take('c', [[need('db')]])).toBe(0)
  })
})

const maxCount = 3
const needs = fc.uniqueArray(
  fc.record({
    lock: fc.constantFrom('a', 'b', 'c'),
    mode: fc.constantFrom<LockMode>('counting', 'exclusive'),
    count: fc.integer({ min: 1, max: maxCount }),
  }),
  { selector: ({ lock }) => lock, minLength: 1, maxLength: 3 },
)
const ways = fc.array(needs, { minLength: 1, maxLength: 2 })
/** What happens: somebody new wants locks, or the n-th who holds some gives them back. */
const events = fc.array(
  fc.oneof(
    ways.map((want) => ({ want })),
    fc.nat(20).map((free) => ({ free })),
  ),
  {
    maxLength: 60,
  },
)

interface Seen {
  readonly table: LockTable
  readonly holding: ReadonlyMap<string, readonly Need[]>
  readonly waiting: ReadonlyMap<string, Need[][]>
}

type Want = Pick<Need, 'lock' | 'mode' | 'count'>
type Script = readonly ({ want: Want[][] } | { free: number })[]

/** Plays the events; whenever something is given back, those who wait ask again in the order of `turn`. */
function play(script: Script, look: (seen: Seen) => void, turn: (owners: string[]) => string[]) {
  const table = new LockTable()
  const holding = new Map<string, readonly Need[]>()
  const waiting = new Map<string, Need[][]>()
  const ask = (owner: string) => {
    const index = table.take(owner, waiting.get(owner)!)
    if (index === undefined) return false
    holding.set(owner, waiting.get(owner)![index]!)
    waiting.delete(owner)
    return true
  }
  const askAll = () => {
    while (turn([...waiting.keys()]).some(ask));
  }
  const giveBack = (owner: string) => {
    table.release(owner)
    holding.delete(owner)
    askAll()
    look({ table, holding, waiting })
  }
  for (const [i, event] of script.entries()) {
    if ('want' in event) {
      waiting.set(
        `o${i}`,
        event.want.map((way) => way.map((n) => ({ ...n, name: n.lock, maxCount }))),
      )
      ask(`o${i}`)
      look({ table, holding, waiting })
    } else {
      const owner = [...holding.keys()][event.free]
      if (owner) giveBack(owner)
    }
  }
  while (holding.size > 0) giveBack(holding.keys().next().value!)
  return { table, waiting }
}

const orders: [string, (owners: string[]) => string[]][] = [
  ['in line', (owners) => owners],
  ['in reverse', (owners) => owners.toReversed()],
]

describe.each(orders)('whatever happens, and those who wait ask %s:', (_, turn) => {
  test('never is more held than there is, and who is exclusive is alone', () => {
    fc.assert(
      fc.property(events, (script) => {
        play(
          script,
          ({ holding }) => {
            for (const lock of ['a', 'b', 'c']) {
              const held = [...holding.values()].flat().filter((n) => n.lock === lock)
              if (held.some((n) => n.mode === 'exclusive')) expect(held).toHaveLength(1)
              else expect(held.reduce((sum, n) => sum + n.count, 0)).toBeLessThanOrEqual(maxCount)
            }
          },
          turn,
        )
      }),
    )
  })

  test('everybody gets a turn once all is given back, and nothing stays held', () => {
    fc.assert(
      fc.property(events, (script) => {
        const { table, waiting } = play(script, () => {}, turn)
        expect(waiting.size).toBe(0)
        expect(table.someoneWaits).toBe(false)
        expect(table.take('last', [[need('a'), need('b'), need('c')]])).toBe(0)
      }),
    )
  })

  test('who comes later never takes what the first in line could have used: the first waits for holders only', () => {
    fc.assert(
      fc.property(events, (script) => {
        let first: { owner: string; holders: Set<string> } | undefined
        play(
          script,
          ({ holding, waiting }) => {
            const owner = waiting.keys().next().value
            if (owner === undefined) return (first = undefined)
            const wanted = new Set(
              waiting
                .get(owner)!
                .flat()
                .map((n) => n.lock),
            )
            const exclusive = waiting
              .get(owner)!
              .flat()
              .every((n) => n.mode === 'exclusive')
            const holders = new Set(
              [...holding].filter(([, held]) => held.some((n) => wanted.has(n.lock))).map(([name]) => name),
            )
            if (first?.owner === owner && exclusive) {
              for (const holder of holders) expect(first.holders).toContain(holder)
            }
            first = { owner, holders }
          },
          turn,
        )
      }),
    )
  })
})
