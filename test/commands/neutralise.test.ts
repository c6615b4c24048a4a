import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Neutraliser, plainLine } from '../../src/commands/output/neutralise.ts'
import { LogText } from '../../src/commands/follow/log-text.ts'

test('colours pass to the terminal', () => {
  const text = '\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[m \x1b[4:3mcurly\x1b[0m\n'
  expect(neutralised(text)).toBe(text)
})

test.for([
  ['a window title', '\x1b]0;owned\x07', '^[]0;owned^G'],
  ['a title ended by ST', '\x1b]2;owned\x1b\\', '^[]2;owned^[\\'],
  ['a clipboard write', '\x1b]52;c;cm0gLXJm\x07', '^[]52;c;cm0gLXJm^G'],
  ['a cleared screen', '\x1b[2J\x1b[H', '^[[2J^[[H'],
  ['a moved cursor', '\x1b[1A', '^[[1A'],
  ['a question for the terminal', '\x1b[6n\x1bP+q\x1b\\', '^[[6n^[P+q^[\\'],
  ['a reset', '\x1bc', '^[c'],
  ['an eight-bit control', '\u009b2J\u009d0;x', '<U+009B>2J<U+009D>0;x'],
  ['a bell, a backspace, a shift out', '\x07\b\x0e', '^G^H^N'],
  ['NUL and DEL', '\0\x7f', '^@^?'],
  ['a colour that never ends', `\x1b[${'1;'.repeat(100)}m`, `^[[${'1;'.repeat(100)}m`],
  ['a reversed line', 'a\u202eb', 'a<U+202E>b'],
] as const)('%s is shown, not obeyed', ([, text, shown]) => {
  expect(neutralised(text)).toBe(shown)
})

test('lines, tabs and progress by carriage return stay as they are', () => {
  expect(neutralised('a\tb\r\nc\n10%\r20%\r\r\nüß🙂\n')).toBe('a\tb\nc\n10%\r20%\r\nüß🙂\n')
})

test('whatever the log says and wherever it is cut, only colours reach the terminal as control sequences', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('\x1b', '[', '\x1b[', '1;31', 'm', '\x1b[0m', '\r', '\n', ']0;', '\x07', '\u009b'),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const neutraliser = new Neutraliser()
      const shown = pieces.map((text) => neutraliser.push(text)).join('') + neutraliser.end()
      expect(shown).toBe(neutralised(pieces.join('')))
      expect(shown.replaceAll(/\x1b\[[0-9;:]{0,64}m/g, '')).not.toMatch(/[^\P{Cc}\n\t\r]/u)
    }),
  )
})

test('a log on a terminal keeps letters that are cut between two pieces, and ends its colours', () => {
  const text = new LogText({ colours: true })
  const bytes = Buffer.from('\x1b[31m5 €')
  const parts = [...bytes].map((byte) => text.push(Uint8Array.of(byte)))
  expect(parts.join('') + text.end()).toBe('\x1b[31m5 €\x1b[0m')
})

test('a log on a terminal without colours is plain', () => {
  const text = new LogText({ colours: false })
  expect(text.push(Buffer.from('\x1b[31mred\x1b[0m \x1b[2J\n')) + text.end()).toBe('red ^[[2J\n')
})

test('a name in a table or a message is one line without control characters', () => {
  expect(plainLine('a\n\tb \x1b[31mc\u202e')).toBe('a b ^[[31mc<U+202E>')
})

function neutralised(text: string): string {
  const neutraliser = new Neutraliser()
  return neutraliser.push(text) + neutraliser.end()
}
