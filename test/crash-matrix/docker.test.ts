import { expect, test } from 'vitest'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { plainImage } from '../helpers/docker/test-images.ts'
import { Random } from '../torture/random.ts'
import { startDockerProvider } from './docker-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** 'all': each of them takes up to half a minute. `npm run matrix` runs all. */
const { ROUSE_MATRIX_CELLS: cellsToRun = '5' } = process.env

const engine = engineForFile(plainImage)

test(
  `with a real Docker Engine, too, a killed master leaves no orphan, no double, and no lost or repeated build (ROUSE_TEST_SEED=${seed})`,
  { timeout: 3_600_000 },
  async ({ skip }) => {
    if (engine.missing) return skip(engine.missing)
    const { cells, failed, missed, run } = await runMatrix({
      start: (onEnd) => startDockerProvider(engine, onEnd),
      parallel: 2,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of Docker: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often the engine is asked and what is committed together depends on the time that things take.
    expect(missed.length).toBeLessThan(run / 2)
  },
)
