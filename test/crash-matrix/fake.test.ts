import { expect, test } from 'vitest'
import { Random } from '../torture/random.ts'
import { startFakeProvider } from './fake-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** All of them take minutes: .ci/run and `npm run matrix` run all, `npm test` some. */
const { CI, ROUSE_MATRIX_CELLS: cellsToRun = CI === 'true' ? 'all' : '20' } = process.env

test(
  `a master that is killed before or after anything it does in the life of an instance leaves no orphan, no double, and no lost or repeated build (ROUSE_TEST_SEED=${seed})`,
  { timeout: 1_200_000 },
  async () => {
    const { cells, failed, missed, run } = await runMatrix({
      start: startFakeProvider,
      parallel: 3,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of the fake: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often a provider is listed depends on the time that things take.
    expect(missed.filter((name) => !name.includes('call list'))).toEqual([])
  },
)
