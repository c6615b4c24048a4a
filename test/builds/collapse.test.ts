import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collapsedBy, type CollapsibleRequest } from '../../src/builds/collapse.ts'
import { Properties, type Property } from '../../src/model/properties.ts'

const request = (
  id: number,
  o: { branch?: string; revision?: string; repository?: string; builder?: string; set?: Property[] } = {},
): CollapsibleRequest => ({
  id,
  builder: o.builder ?? 'unit',
  priority: 0,
  reason: 'a change',
  submittedAt: new Date(0),
  source: {
    repository: o.repository ?? 'app',
    branch: o.branch ?? 'main',
    revision: o.revision ?? `revision ${id}`,
  },
  properties: new Properties(o.set),
  submitted: o.set ?? [],
})
const of = (name: string, value: string, source: Property['source'] = 'scheduler') => [
  { name, value, source },
]
const ids = (requests: readonly CollapsibleRequest[]) => requests.map((r) => r.id)

describe('collapsing', () => {
  const newer = request(9)

  test.each<[string, CollapsibleRequest, boolean]>([
    ['the same branch of the same repository is collapsed, whatever the revision', request(1), true],
    ['another branch is not', request(1, { branch: 'next' }), false],
    ['another repository is not', request(1, { repository: 'lib' }), false],
    ['another builder is not', request(1, { builder: 'docs' }), false],
    ['a request that is newer itself is not', request(10), false],
    ['other properties of the scheduler keep it', request(1, { set: of('full', 'yes') }), false],
    ["the scheduler's name does not", request(1, { set: of('scheduler', 'night') }), true],
    ['what a change brings along does not', request(1, { set: of('author', 'bob', 'change') }), true],
  ])('%s', (_, older, collapses) => {
    expect(ids(collapsedBy(newer, [older]))).toEqual(collapses ? [older.id] : [])
  })

  test("'all' takes every older one, false none, and a function decides for itself", () => {
    const olders = [request(1, { branch: 'next' }), request(2), request(10)]
    expect(ids(collapsedBy(newer, olders, 'all'))).toEqual([1, 2])
    expect(collapsedBy(newer, olders, false)).toEqual([])
    const rule = (older: { id: number }, by: { id: number }) => older.id === 1 && by.id === 9
    expect(ids(collapsedBy(newer, olders, rule))).toEqual([1])
  })

  test.each<[string, () => boolean, string]>([
    [
      'throws',
      () => {
        throw new Error('boom')
      },
      'boom',
    ],
    [
      'answers no boolean',
      () => 'yes' as never,
      'collapseRequests returned yes: it must return true or false',
    ],
    ['is async', () => Promise.resolve(true) as never, 'collapseRequests returned [object Promise]'],
  ])('a function that %s collapses nothing, and that is told', (_, rule, message) => {
    const told: unknown[] = []
    expect(collapsedBy(newer, [request(1)], rule, (error) => told.push(error))).toEqual([])
    expect(String(told[0])).toContain(message)
  })

  test('of any sequence of requests, the newest of each branch is left, and every other one points to a newer of its branch', () => {
    const branches = fc.array(fc.constantFrom('main', 'next', 'topic'), { maxLength: 30 })
    fc.assert(
      fc.property(branches, (submitted) => {
        let pending: CollapsibleRequest[] = []
        const by = new Map<number, number>()
        const all = submitted.map((branch, i) => request(i + 1, { branch }))
        for (const newest of all) {
          for (const older of collapsedBy(newest, pending)) by.set(older.id, newest.id)
          pending = [...pending.filter((r) => !by.has(r.id)), newest]
        }
        const branchOf = (id: number) => all[id - 1]!.source.branch
        expect(new Set(pending.map((r) => r.source.branch)).size).toBe(pending.length)
        expect(ids(pending)).toEqual(
          ids(all).filter((id) => id === (submitted as string[]).lastIndexOf(branchOf(id)!) + 1),
        )
        for (const [older, newest] of by) {
          expect(newest).toBeGreaterThan(older)
          expect(branchOf(newest)).toBe(branchOf(older))
        }
        expect(by.size + pending.length).toBe(all.length)
      }),
    )
  })
})
