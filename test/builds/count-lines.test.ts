import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineCounter } from '../../src/builds/count-lines.ts'

test('matching lines are counted exactly, wherever the pieces of a log are cut', () => {
  const line = fc.constantFrom('warning: x', 'fine', '', 'a wärning: y', 'warning', 'warning: z\r')
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.array(fc.nat(200)), (lines, ended, cuts) => {
      const bytes = Buffer.from(lines.join('\n') + (ended && lines.length > 0 ? '\n' : ''))
      const counter = new LineCounter(/w[aä]rning: .$/)
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      for (let i = 1; i < places.length; i++) counter.add(bytes.subarray(places[i - 1], places[i]))
      expect(counter.end()).toBe(lines.filter((text) => /w[aä]rning: ./.test(text)).length)
    }),
  )
})

test('of a line without end only the first 4096 bytes are kept and looked at', () => {
  const counter = new LineCounter(/late/)
  for (let i = 0; i < 1000; i++) counter.add(Buffer.alloc(10_000, 'x'))
  counter.add(Buffer.from('late\nlate\n'))
  expect(counter.end()).toBe(1)
})
