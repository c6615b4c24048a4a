import { onTestFinished } from 'vitest'
import { launchMaster, type MasterOptions, type MasterProcess } from './master-process.ts'

/** A real master in a process and folder of its own, ended with the test. */
export function startMaster(options: MasterOptions): Promise<MasterProcess> {
  return launchMaster(options, (release) => onTestFinished(async () => void (await release())))
}
