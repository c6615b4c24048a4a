import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { Leftovers } from './leftovers.ts'
import type { Host } from './operation-context.ts'
import { PipePool } from './pipe-pool.ts'
import { SpoolUsage } from './spool/spool-usage.ts'

export interface HostOptions {
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  readonly maxSpool: number
}

/** Prepares an agent's own folder. `dying`: process groups of a dead supervisor that were killed just now. */
export function openHost(own: string, { env, log, maxSpool }: HostOptions): { host: Host; dying: number[] } {
  const scratchDir = join(own, 'scratch')
  rmSync(scratchDir, { recursive: true, force: true })
  mkdirSync(scratchDir)
  const leftovers = new Leftovers(join(own, 'commands'), log)
  const dying = leftovers.killAll()
  const pipes = new PipePool(join(own, 'pipes'), log)
  const spoolDir = join(own, 'spool')
  return { dying, host: { env, scratchDir, leftovers, pipes, spoolDir, usage: new SpoolUsage(maxSpool) } }
}
