import { expect, test } from 'vitest'
import { daemonForFile } from '../helpers/libvirt/daemon-for-file.ts'
import { testGuest } from '../helpers/libvirt/test-guest.ts'
import { Random } from '../torture/random.ts'
import { startLibvirtProvider } from './libvirt-provider.ts'
import { runMatrix } from './matrix.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** 'all': each of them boots a machine, which takes half a minute. `npm run matrix` runs all. */
const { ROUSE_MATRIX_CELLS: cellsToRun = '5' } = process.env

const libvirt = daemonForFile()

test(
  `with real machines, too, neither a killed master nor a killed libvirtd leaves an orphan, a double, or a lost or repeated build (ROUSE_TEST_SEED=${seed})`,
  { timeout: 14_400_000 },
  async ({ skip }) => {
    if (libvirt.missing) return skip(libvirt.missing)
    const guest = await testGuest()
    if (typeof guest === 'string') return skip(guest)
    const { cells, failed, missed, run } = await runMatrix({
      start: (onEnd) => startLibvirtProvider(libvirt.daemon, guest, onEnd),
      // A killed libvirtd is everybody's.
      parallel: 1,
      sample: cellsToRun === 'all' ? undefined : { cells: Number(cellsToRun), random: new Random(seed) },
      say: (line) => process.stderr.write(`${line}\n`),
    })
    process.stderr.write(`crash matrix of libvirt: ${run} of ${cells} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
    // How often a call is made and what is committed together depends on the time that things take.
    expect(missed.length).toBeLessThan(Math.max(2, run / 2))
  },
)
