import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PendingQueue, type PendingRequest } from '../../src/builds/pending-queue.ts'

const request = (id: number, o: Partial<PendingRequest> = {}): PendingRequest => ({
  id,
  builder: 'unit',
  priority: 0,
  notBefore: 0,
  avoidWorker: undefined,
  ...o,
})

const heads = (queue: PendingQueue, now = 0) => queue.heads(now).map((r) => r.id)

describe('the pending queue', () => {
  test('serves the highest priority first, then the oldest', () => {
    const queue = new PendingQueue()
    for (const r of [request(3), request(1), request(2, { priority: 5 }), request(4, { priority: -1 })])
      queue.add(r)
    const served = []
    for (let head = queue.heads(0)[0]; head; head = queue.heads(0)[0]) {
      served.push(head.id)
      queue.remove(head.id)
    }
    expect(served).toEqual([2, 1, 3, 4])
  })

  test('prefers the builder that was served least recently, but never over a higher priority', () => {
    const queue = new PendingQueue()
    for (const r of [request(1), request(2), request(3, { builder: 'docs' })]) queue.add(r)
    expect(heads(queue)).toEqual([1, 3])
    queue.remove(1)
    queue.served('unit', 1)
    expect(heads(queue)).toEqual([3, 2])
    queue.add(request(9, { priority: 1 }))
    expect(heads(queue)).toEqual([9, 3])
  })

  test('leaves out a request that backs off, and says when its time comes', () => {
    const queue = new PendingQueue()
    queue.add(request(1, { notBefore: 500 }))
    queue.add(request(2))
    expect(heads(queue, 100)).toEqual([2])
    expect(queue.nextTime(100)).toBe(500)
    expect(heads(queue, 500)).toEqual([1])
    expect(queue.nextTime(500)).toBeUndefined()
  })

  test('offers the next request too where the first one avoids a worker', () => {
    const queue = new PendingQueue()
    queue.add(request(1, { avoidWorker: 'a' }))
    queue.add(request(2, { avoidWorker: 'a' }))
    queue.add(request(3, { avoidWorker: 'b' }))
    queue.add(request(4))
    queue.add(request(5))
    expect(heads(queue)).toEqual([1, 3, 4])
  })

  test('tells the place of a request among those of its builder', () => {
    const queue = new PendingQueue()
    for (const r of [request(1), request(2, { priority: 1 }), request(3), request(4, { builder: 'docs' })])
      queue.add(r)
    expect([1, 2, 3, 4, 5].map((id) => queue.position(id))).toEqual([2, 1, 3, 1, undefined])
    expect(queue.count('unit')).toBe(3)
  })

  test('agrees with sorting everything, whatever is added and removed', () => {
    const entry = fc.record({
      id: fc.integer({ min: 1, max: 40 }),
      priority: fc.integer({ min: -2, max: 2 }),
      gone: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const queue = new PendingQueue()
        const expected = new Map<number, PendingRequest>()
        for (const { gone, id, priority } of entries) {
          if (gone) {
            queue.remove(id)
            expected.delete(id)
          } else {
            queue.add(request(id, { priority }))
            expected.set(id, request(id, { priority }))
          }
        }
        const sorted = [...expected.values()].sort((a, b) => b.priority - a.priority || a.id - b.id)
        expect(queue.size).toBe(sorted.length)
        expect(sorted.map((r) => queue.position(r.id))).toEqual(sorted.map((_, i) => i + 1))
        expect(heads(queue)).toEqual(sorted.slice(0, 1).map((r) => r.id))
      }),
    )
  })
})
