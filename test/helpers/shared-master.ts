import { afterAll, beforeAll } from 'vitest'
import { launchMaster, type MasterOptions, type MasterProcess } from './master-process.ts'

/** A real master for all tests of a file; `prepare` is awaited once it runs. */
export function sharedMaster(
  options: MasterOptions,
  prepare: (master: MasterProcess) => Promise<unknown> = async () => {},
): () => MasterProcess {
  const releases: (() => Promise<unknown>)[] = []
  let master: MasterProcess | undefined
  beforeAll(async () => {
    master = await launchMaster(options, (release) => releases.unshift(release))
    await prepare(master)
  })
  afterAll(async () => {
    for (const release of releases) await release()
  })
  return () => master!
}
