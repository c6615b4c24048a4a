import { hostname, tmpdir } from 'node:os'
import pino from 'pino'
import { ArtifactStore } from '../../src/builds/artifact-store.ts'
import { Builds } from '../../src/builds/builds.ts'
import type { Submission } from '../../src/builds/store-submit.ts'
import type { BuilderConfig } from '../../src/config/types.ts'
import { GroupCommit } from '../../src/db/group-commit.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import type { EventBody } from '../../src/model/events.ts'
import { systemClock } from '../../src/util/clock.ts'
import { createTestDatabase } from './database.ts'

/** Builds over a database of their own; no agent ever connects, so that everything waits. Close them in the end. */
export async function openTestBuilds(builders: readonly BuilderConfig[]) {
  const database = await createTestDatabase()
  const { db } = database
  const log = pino({ level: 'silent' })
  const commit = new GroupCommit(db, { log })
  const me = await registerMaster(db, { host: hostname(), pid: process.pid, version: '0', only: true })
  const events: EventBody[] = []
  const common = { commit, log, clock: systemClock, publish: (event: EventBody) => void events.push(event) }
  const fleet = new Fleet({ ...common, master: { ...me, version: '0' }, heartbeat: 30 })
  const limits = { maxInfraRetries: 3, maxDisconnected: 3600, maxLogSize: 209_715_200 }
  const artifacts = { store: new ArtifactStore(tmpdir()), maxBytes: 1024 }
  const files = { artifacts, configDir: tmpdir() }
  const builds = new Builds({ ...common, ...limits, ...files, db, fleet, master: me, builders })
  await builds.open()
  return {
    db,
    builds,
    events,
    /** Submits what a scheduler would, with anything else instead. */
    async submit(builder: string, branch: string, o: Partial<Submission> = {}) {
      const source = { repository: 'app', branch, revision: null }
      const usual = { properties: [], priority: 0, reason: 'a change', origin: 'scheduler' } as const
      const submitted = await builds.submit({ builders: [builder], source, ...usual, ...o })
      return submitted.requests[0]!.id
    },
    async close() {
      await builds.close()
      await commit.close()
      await database.close()
    },
  }
}
