import pc from 'picocolors'
import { expect, test } from 'vitest'
import { cutToWidth, displayWidth } from '../../src/commands/output/display-width.ts'
import { type Column, table } from '../../src/commands/output/table.ts'
import { ago, took, when } from '../../src/commands/output/time.ts'

interface Row {
  readonly id: number
  readonly name: string
  readonly why: string
}

const columns: Column<Row>[] = [
  { title: 'ID', text: (row) => String(row.id), align: 'right' },
  { title: 'NAME', text: (row) => row.name, cut: true, colour: () => pc.createColors(true).red },
  { title: 'WHY', text: (row) => row.why, cut: true },
]
const rows: Row[] = [
  { id: 7, name: 'unit', why: 'a change in the branch main by somebody' },
  { id: 1234, name: '整数 tests', why: '' },
]
const plain = pc.createColors(false)

test('columns are aligned and uncut in a pipe', () => {
  expect(
    table(
      columns.map(({ colour: _, ...column }) => column),
      rows,
      { width: Infinity, colours: plain },
    ),
  ).toBe(
    '  ID  NAME        WHY\n' +
      '   7  unit        a change in the branch main by somebody\n' +
      '1234  整数 tests\n',
  )
})

test('a table is never wider than the terminal, and the widest column gives way first', () => {
  const at = (width: number) => table(columns, rows, { width, colours: plain }).replaceAll(/\x1b\[\d+m/g, '')
  expect(at(40)).toBe(
    '  ID  NAME        WHY\n' + '   7  unit        a change in the branc…\n' + '1234  整数 tests\n',
  )
  for (let width = 8; width < 80; width++) {
    for (const line of at(width).split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(width)
  }
})

test('cells are coloured by their row', () => {
  expect(table(columns, rows, { width: 80, colours: plain })).toContain('\x1b[31munit      \x1b[39m')
})

test('wide letters, marks and emoji are counted as a terminal shows them', () => {
  expect(displayWidth('abc')).toBe(3)
  expect(displayWidth('整数')).toBe(4)
  expect(displayWidth('e\u0301')).toBe(1)
  expect(displayWidth('🙂')).toBe(2)
  expect(cutToWidth('整数です', 5)).toBe('整数…')
  expect(cutToWidth('abc', 3)).toBe('abc')
})

test('times are relative on a terminal and ISO in a pipe', () => {
  const iso = '2026-01-02T03:04:05.000Z'
  const now = Date.parse(iso) + 185_000
  expect(when(iso, { isTTY: true, now })).toBe('3 m ago')
  expect(when(iso, { isTTY: false, now })).toBe(iso)
  expect(when(null, { isTTY: true, now })).toBe('-')
  expect([-5000, 900, 12_000, 7_200_000, 800_000_000].map(ago)).toEqual([
    'now',
    'now',
    '12 s ago',
    '2 h ago',
    '9 d ago',
  ])
  expect(took(iso, null, now)).toBe('3 m 5 s')
  expect(took(null, null, now)).toBe('-')
})
