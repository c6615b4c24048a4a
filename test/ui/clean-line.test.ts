import { expect, test } from 'vitest'
import { cleanLine } from '../../src/ui/log/clean-line.ts'

test.each([
  ['plain', 'plain'],
  ['\x1b[32mgreen\x1b[0m and \x1b[1;38;5;200mpink\x1b[m', 'green and pink'],
  ['\x1b]0;a title\x07text', 'text'],
  ['\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['10%\r50%\r100%', '100%'],
  ['windows\r', 'windows'],
  ['50%\r100%\r', '100%'],
  ['\r', ''],
  ['', ''],
])('%j is shown as %j', (text, shown) => {
  expect(cleanLine(text)).toBe(shown)
})

test('a line full of beginnings of sequences is cleaned quickly', () => {
  const nasty = '\x1b['.repeat(8_000) + '\x1b]'.repeat(8_000)
  expect(cleanLine(nasty).length).toBeLessThanOrEqual(nasty.length)
})
