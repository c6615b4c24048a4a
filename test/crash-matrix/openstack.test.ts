import { expect, test } from 'vitest'
import { Random } from '../torture/random.ts'
import { startOpenStackProvider } from './openstack-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** 'all': `npm run matrix`. */
const { ROUSE_MATRIX_CELLS: cellsToRun = '4' } = process.env

test(
  `with OpenStack, too, a killed master leaves no orphan, no double, and no lost or repeated build (ROUSE_TEST_SEED=${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const { cells, failed, missed, run } = await runMatrix({
      start: startOpenStackProvider,
      parallel: 2,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of OpenStack: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often it is listed, and what is committed together, depends on the time that things take.
    expect(missed.length).toBeLessThan(run / 2)
  },
)
