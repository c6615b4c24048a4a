import { cutToWidth, displayWidth } from './display-width.ts'
import { plainLine } from './neutralise.ts'
import type { Terminal } from './terminal.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** May be cut to fit the terminal; other columns keep their width. */
  readonly cut?: boolean
  readonly colour?: (row: Row) => (text: string) => string
}

/** Aligned columns, one line per row, each ended by a line feed; cut to the terminal's width, uncut in a pipe. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Pick<Terminal, 'width' | 'colours'>,
): string {
  const cells = rows.map((row) => columns.map((column) => plainLine(column.text(row))))
  const natural = columns.map((column, i) =>
    Math.max(displayWidth(column.title), ...cells.map((line) => displayWidth(line[i]!))),
  )
  const widths = fit(columns, natural, terminal.width)
  const title = columns.map((column, i) => align(column, column.title, widths[i]!))
  const lines = cells.map((line, r) =>
    joined(
      columns.map((column, i) => {
        const text = align(column, line[i]!, widths[i]!)
        return column.colour ? column.colour(rows[r]!)(text) : text
      }),
    ),
  )
  return [terminal.colours.dim(joined(title)), ...lines].map((line) => `${line}\n`).join('')
}

// The widest column that may be cut gives way first; the others only when that is not enough.
function fit(columns: readonly Column<never>[], natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, w) => sum + w, gap.length * (columns.length - 1)) - width
  const widest = (may: (column: Column<never>, i: number) => boolean) =>
    columns.reduce((best, column, i) => (may(column, i) && widths[i]! > (widths[best] ?? 0) ? i : best), -1)
  for (; excess > 0; excess--) {
    let narrower = widest((column, i) => column.cut === true && widths[i]! > narrowest)
    if (narrower < 0) narrower = widest((_, i) => widths[i]! > 1)
    if (narrower < 0) break
    widths[narrower]!--
  }
  return widths
}

function align(column: Column<never>, text: string, width: number): string {
  const cut = cutToWidth(text, width)
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(cut)))
  return column.align === 'right' ? blanks + cut : cut + blanks
}

function joined(cells: readonly string[]): string {
  return cells.join(gap).trimEnd()
}

const gap = '  '
const narrowest = 6
