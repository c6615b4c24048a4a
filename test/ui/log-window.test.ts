import { expect, test } from 'vitest'
import { append, emptyWindow, maxLines, prepend, type LogWindow } from '../../src/ui/log/log-window.ts'
import type { ApiLogLines } from '../../src/web/api.ts'

/** An answer with the lines from `first` up to `next`. */
function answer(first: number, next: number, extra: ApiLogLines['lines'] = []): ApiLogLines {
  const lines = Array.from({ length: next - first }, (_, i) => line(first + i))
  return { firstLine: first, lines: [...lines, ...extra], nextLine: next, totalLines: next, finished: false }
}
const line = (number: number, text = `line ${number}`) => ({ number, stream: 'stdout' as const, text })
const numbers = ({ lines }: LogWindow) => lines.map((l) => l.number)

test('what is added at the end follows what is there', () => {
  const window = append(append(emptyWindow, answer(0, 3)), answer(3, 5))
  expect(window).toMatchObject({ first: 0, next: 5 })
  expect(numbers(window)).toEqual([0, 1, 2, 3, 4])
})

test('a last line without end is replaced by what it has become', () => {
  const window = append(emptyWindow, answer(0, 1, [line(1, 'un')]))
  expect(window.next).toBe(1)
  const later = append(window, answer(1, 2))
  expect(later.lines.map((l) => l.text)).toEqual(['line 0', 'line 1'])
})

test('the window never holds more than its bound: the other end is given up', () => {
  let window = emptyWindow
  for (let next = 0; next < maxLines + 3000; next += 1000) window = append(window, answer(next, next + 1000))
  expect(window).toMatchObject({ first: 3000, next: maxLines + 3000 })
  expect(window.lines).toHaveLength(maxLines)

  const earlier = prepend(window, answer(2000, 3000))
  expect(earlier).toMatchObject({ first: 2000, next: maxLines + 2000 })
  expect(earlier.lines).toHaveLength(maxLines)
  expect(earlier.lines[0]!.number).toBe(2000)
})

test('what is put before does not repeat what is there', () => {
  const window = append({ first: 10, next: 10, lines: [] }, answer(10, 12))
  expect(numbers(prepend(window, answer(8, 11)))).toEqual([8, 9, 10, 11])
})
