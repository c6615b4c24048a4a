import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { LineCounter, patternParts } from '../../src/builds/line-counter.ts'
import { LineThread } from '../../src/builds/line-thread.ts'
import { systemClock } from '../../src/util/clock.ts'

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

const threadOf = (pattern: RegExp, signal = new AbortController().signal, patience?: number) => {
  const options = { streams: 2, clock: systemClock, signal, ...(patience !== undefined && { patience }) }
  const thread = new LineThread(patternParts(pattern), options)
  onTestFinished(() => thread.close())
  return thread
}
const slow = /^(a+)+$/
const evil = [Buffer.from(`${'a'.repeat(64)}!\n`), Buffer.alloc(0)]

test('a thread counts the lines of each stream by itself, and begins anew after each log', async () => {
  const thread = threadOf(/warning/)
  await thread.add([Buffer.from('a war'), Buffer.from('warning\n')])
  await thread.add([Buffer.from('ning\nfine\nwarning'), Buffer.from('fine')])
  expect(await thread.end()).toBe(3)
  await thread.add([Buffer.from('warning'), Buffer.alloc(0)])
  expect(await thread.end()).toBe(1)
})

test('an expression that takes for ever is given up, and holds nothing else up meanwhile', async () => {
  const counted = threadOf(slow, undefined, 500).add(evil)
  counted.catch(() => {})
  // A thread that is held up would not come to this before the end.
  const first = await Promise.race([
    counted.catch(() => 'counted'),
    systemClock.sleep(1).then(() => 'a timer'),
  ])
  expect(first).toBe('a timer')
  await expect(counted).rejects.toThrow('/^(a+)+$/ took more than 0.5 s for a part of the log')
})

test('a step that is cancelled does not wait for its expression', async () => {
  const cancel = new AbortController()
  const counted = threadOf(slow, cancel.signal).add(evil)
  cancel.abort(new Error('cancelled by ana'))
  await expect(counted).rejects.toThrow('cancelled by ana')
})
