import { systemClock } from '../../util/clock.ts'
import { type Column, table } from './table.ts'
import { type Terminal, terminalOf } from './terminal.ts'

/** Columns for a terminal or a pipe, at a time (milliseconds since the epoch). */
export type Columns<Row> = (terminal: Pick<Terminal, 'isTTY' | 'colours'>, now: number) => Column<Row>[]

/** One JSON document on stdout. */
export async function printJson(value: unknown): Promise<void> {
  await terminalOf(process.stdout).write(`${JSON.stringify(value, null, 2)}\n`)
}

/** A table on stdout; when there is no row, `none` on stderr, so that a pipe gets nothing. */
export async function printTable<Row>(
  rows: readonly Row[],
  columns: Columns<Row>,
  none: string,
): Promise<void> {
  if (rows.length === 0) return await terminalOf(process.stderr).write(`${none}\n`)
  const out = terminalOf(process.stdout)
  await out.write(table(columns(out, systemClock.now()), rows, out))
}
