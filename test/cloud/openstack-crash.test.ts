import { expect, test } from 'vitest'
import { runMatrix } from '../crash-matrix/matrix.ts'
import { Random } from '../torture/random.ts'
import { startRealOpenStackProvider } from './openstack-provider.ts'
import { missingOpenStack } from './real-openstack.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
const { ROUSE_MATRIX_CELLS: cellsToRun = '8' } = process.env

test(
  `with a real OpenStack, too, a killed master leaves no orphan, no double, and no lost or repeated build (ROUSE_TEST_SEED=${seed})`,
  { timeout: 3_600_000 },
  async ({ skip }) => {
    const missing = missingOpenStack()
    if (missing) return skip(missing)
    const { cells, failed, run } = await runMatrix({
      start: startRealOpenStackProvider,
      parallel: 1,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of a real OpenStack: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
  },
)
