import { expect, test } from 'vitest'
import { Random } from '../torture/random.ts'
import { startEc2Provider } from './ec2-provider.ts'
import { startFakeProvider } from './fake-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** All of them take minutes: `npm run matrix` runs all. */
const { ROUSE_MATRIX_CELLS: cellsToRun } = process.env

test.for([
  ['a fake cloud', startFakeProvider, '8'],
  ['EC2', startEc2Provider, '4'],
] as const)(
  `at %s, a master that is killed before or after anything it does to park and wake a machine leaves no orphan and no double, and the next build finds what the first has left (ROUSE_TEST_SEED=${seed})`,
  { timeout: 3_600_000 },
  async ([name, start, some]) => {
    const count = cellsToRun ?? some
    const { cells, failed, missed, run } = await runMatrix({
      start: (onEnd) => start(onEnd, { parks: true }),
      parallel: 2,
      sample: count === 'all' ? undefined : { cells: Number(count), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of parking at ${name}: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often it is listed, and what is committed together, depends on the time that things take.
    expect(missed.length).toBeLessThan(Math.max(2, run / 2))
  },
)
