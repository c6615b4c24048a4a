import { expect } from 'vitest'
import { rouse } from '../commands/helpers/run-cli.ts'
import type { MasterProcess } from './master-process.ts'

export interface Printed {
  readonly code: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

/** Runs a client command in the master's folder, in a pipe, to its end: what it prints must be plain text. */
export async function printed(master: MasterProcess, ...args: string[]): Promise<Printed> {
  const run = rouse(args, { cwd: master.dir })
  const code = await run.ended()
  const [out, err] = [run.out(), run.err()]
  expect(out + err).not.toMatch(/[\x1b\r]/)
  return { code, out, err }
}

/** The object that a successful command prints with --json. */
export async function printedJson<T = any>(master: MasterProcess, ...args: string[]): Promise<T> {
  const { code, err, out } = await printed(master, ...args, '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out) as T
}

/** The cells of a table, whose columns are two blanks apart. */
export function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
}
