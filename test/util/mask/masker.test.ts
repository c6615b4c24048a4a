import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskPatterns } from '../../../src/util/mask/mask-patterns.ts'
import { maskText } from '../../../src/util/mask/mask-text.ts'
import { Masker } from '../../../src/util/mask/masker.ts'

/** Masks a text that comes in pieces of these lengths. */
function masked(patterns: readonly Buffer[], text: Buffer, sizes: readonly number[]): Buffer {
  const masker = new Masker(patterns)
  const shown: Buffer[] = []
  let at = 0
  for (const size of sizes) shown.push(masker.push(text.subarray(at, (at += size))))
  shown.push(masker.push(text.subarray(at)), masker.end())
  return Buffer.concat(shown)
}

/** The same, said plainly: every byte that any pattern covers is hidden, and each hidden stretch is one mask. */
function maskedPlainly(patterns: readonly Buffer[], text: Buffer): string {
  const hidden = Array.from(text, (_, at) =>
    patterns.some((p) =>
      Array.from(p, (_, i) => at - i).some(
        (from) => from >= 0 && text.subarray(from, from + p.length).equals(p),
      ),
    ),
  )
  return hidden.map((h, at) => (h ? (hidden[at - 1] ? '' : '***') : String.fromCharCode(text[at]!))).join('')
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 })
const secret = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 6 })

test('every byte of a secret is hidden, however secrets overlap and wherever the output is cut', () => {
  fc.assert(
    fc.property(
      fc.array(secret, { maxLength: 4 }),
      letters,
      fc.array(fc.nat(7), { maxLength: 20 }),
      (secrets, text, sizes) => {
        const patterns = secrets.map((s) => Buffer.from(s))
        const bytes = Buffer.from(text)
        expect(masked(patterns, bytes, sizes).toString('latin1')).toBe(maskedPlainly(patterns, bytes))
      },
    ),
    { numRuns: 2000 },
  )
})

test('bytes that are no text pass as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(9)), (bytes, sizes) => {
      const patterns = maskPatterns(['a secret that is not in there'])
      expect(masked(patterns, Buffer.from(bytes), sizes).equals(Buffer.from(bytes))).toBe(true)
    }),
  )
})

test('a secret is hidden in base64 at any alignment and in URL encoding', () => {
  const text = fc.string({ unit: 'binary', minLength: 5, maxLength: 40 }).filter((s) => s.trim().length > 4)
  fc.assert(
    fc.property(text, fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (value, before, after) => {
      const patterns = maskPatterns([value])
      const inBase64 = Buffer.from(`${before}${value}${after}`).toString('base64')
      const [from, to] = [Buffer.byteLength(before) * 8, Buffer.byteLength(before + value) * 8]
      // All characters that say nothing but the secret.
      const whole = inBase64.slice(Math.ceil(from / 6), Math.floor(to / 6))
      expect(masked(patterns, Buffer.from(inBase64), []).toString()).not.toContain(whole)
      const inUrl = encodeURIComponent(value)
      expect(masked(patterns, Buffer.from(`${before}?x=${inUrl}&`), []).toString()).toContain('?x=***&')
    }),
    { numRuns: 300 },
  )
})

test('each long line of a secret is hidden by itself, and what is quoted in other ways', () => {
  const patterns = maskPatterns(['first line of it\r\nsecond line of it\n', 'a b/c!'])
  const show = (text: string) => masked(patterns, Buffer.from(text), []).toString()
  expect(show('> first line of it\n> second line of it\n')).toBe('> ***\n> ***\n')
  expect(show('a%20b%2Fc! a%20b%2fc%21 a+b/c! a%20b/c!')).toBe('*** *** *** ***')
})

test('what may be the beginning of a secret is held back only as long as it may be one', () => {
  const masker = new Masker([Buffer.from('secret')])
  expect(masker.push(Buffer.from('the sec')).toString()).toBe('the ')
  expect(masker.push(Buffer.from('ond')).toString()).toBe('second')
  expect(masker.push(Buffer.from('a line\n')).toString()).toBe('a line\n')
  expect(masker.push(Buffer.from('secre')).toString()).toBe('')
  expect(masker.end().toString()).toBe('secre')
})

test('a long secret is hidden in base64 that is broken into lines', () => {
  const key = Array.from({ length: 12 }, (_, i) => `line ${i} of a private key, long enough`).join('\n')
  const code = Buffer.from(`${key}\n`).toString('base64')
  for (const width of [76, 64]) {
    const lines = code.match(new RegExp(`.{1,${width}}`, 'g'))!
    const shown = maskText(lines.join('\n'), [key]).split('\n')
    // The very end holds the newline after the secret, which is none.
    expect(shown.slice(0, -1)).toEqual(lines.slice(0, -1).map(() => '***'))
    expect(shown.at(-1)!.length).toBeLessThanOrEqual(12)
  }
})

test('a secret with quotes is hidden where a shell or JSON quotes it', () => {
  const value = `it's a "pass\\word"`
  const shell = `echo '${value.replaceAll("'", `'\\''`)}'`
  expect(maskText(`${shell} ${JSON.stringify({ value })}`, [value])).toBe(`echo '***' {"value":"***"}`)
})

test('a short secret is hidden too, and the beginning of one at the end of a text that was cut', () => {
  expect(maskText('x7 = 7x', ['7'])).toBe('x*** = ***x')
  expect(maskText('the secre', ['secret'])).toBe('the secre')
  expect(maskText('the secre', ['secret'], { cut: true })).toBe('the ')
})
