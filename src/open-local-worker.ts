import type { Logger } from 'pino'
import { openLocalAgent } from './agent/open-local-agent.ts'
import { connectLocal } from './fleet/connect-local.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { LocalWorker } from './local-workers.ts'
import type { Releasers } from './util/releasers.ts'

/** Starts a local worker's agent, and connects it. */
export async function openLocalWorker(
  { baseDir, name }: LocalWorker,
  { fleet, log }: { fleet: Fleet; log: Logger },
  releasers: Releasers,
): Promise<void> {
  const worker = fleet.admitted(name)!
  const agent = await openLocalAgent({
    baseDir,
    log: log.child({ worker: name }),
    connect: (attach) => connectLocal(fleet, worker, attach),
  })
  // What runs goes on, as on other machines: the next master takes it up.
  releasers.add(`local worker ${name}`, () => agent.detach())
}
