import { expect, test } from 'vitest'
import { Random } from '../torture/random.ts'
import { startFakeProvider } from './fake-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** All of them take minutes: `npm run matrix` runs all. */
const { CI, ROUSE_MATRIX_CELLS: cellsToRun = CI === 'true' ? '20' : '10' } = process.env

test(
  `a master that is killed before or after anything it does to seal and reset a machine never has a second build run on what the first has left (ROUSE_TEST_SEED=${seed})`,
  { timeout: 1_800_000 },
  async () => {
    const { cells, failed, missed, run } = await runMatrix({
      start: (onEnd) => startFakeProvider(onEnd, { resets: true }),
      parallel: 3,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of resets: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often a provider is listed depends on the time that things take.
    expect(missed.filter((name) => !name.includes('call list'))).toEqual([])
  },
)
