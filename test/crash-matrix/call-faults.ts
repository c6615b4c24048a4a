import { expect, test } from 'vitest'
import { Random } from '../torture/random.ts'
import { shuffled } from './shuffled.ts'

/** One life cycle of an instance; `cell`: what goes wrong in it. */
export type RunLife = (cell?: FaultCell) => Promise<{ actions: string[]; mistakes: string[] }>

export interface FaultCell {
  readonly action: string
  readonly nth: number
  readonly fault: string
}

/** Tests a life cycle once for each call that it makes and each fault of it: a sample, or all by `npm run matrix`. */
export function callFaults(provider: string, faults: Readonly<Record<string, unknown>>, run: RunLife): void {
  const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
  const { ROUSE_MATRIX_CELLS: cellsToRun = '16' } = process.env
  test(
    `whatever goes wrong with any call to ${provider} in the life of an instance, it is built once and nothing is left (ROUSE_TEST_SEED=${seed})`,
    { timeout: 3_600_000 },
    async () => {
      const undisturbed = await run()
      expect(undisturbed.mistakes).toEqual([])
      const all = cellsOf(undisturbed.actions, Object.keys(faults))
      const cells = cellsToRun === 'all' ? all : shuffled(all, new Random(seed)).slice(0, Number(cellsToRun))
      const failed: string[] = []
      for (const cell of cells) {
        const name = `${cell.action} (${cell.nth}) ${cell.fault}`
        const { mistakes } = await run(cell).catch((error: unknown) => ({ mistakes: [String(error)] }))
        if (mistakes.length > 0) failed.push(`${name}: ${mistakes.join('; ')}`)
        process.stderr.write(`${mistakes.length > 0 ? 'FAILED' : 'ok'}  ${name}\n`)
      }
      process.stderr.write(`faults of ${provider}: ${cells.length} of ${all.length} cells, seed ${seed}\n`)
      expect(failed).toEqual([])
    },
  )
}

function cellsOf(actions: readonly string[], faults: readonly string[]): FaultCell[] {
  const times = new Map<string, number>()
  return actions.flatMap((action) => {
    const nth = (times.get(action) ?? 0) + 1
    times.set(action, nth)
    // Lists come again and again: the first few tell all.
    if (nth > 4) return []
    return faults.map((fault) => ({ action, nth, fault }))
  })
}
