import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { InstanceLogin } from '../../src/fleet/instance-logins.ts'
import { Login } from '../../src/fleet/login.ts'
import { Worker } from '../../src/fleet/worker.ts'
import { instanceToken } from '../../src/latent/token.ts'
import { AgentProcess, fromSource } from '../agent/agent-process.ts'
import { openFleet, staticSpec } from '../fleet/open-fleet.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { startTestWeb } from '../web/start-test-web.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('a real agent becomes the one agent of its instance by a socket; who finds its token later gets nothing', async () => {
  const { password: _, ...latent } = staticSpec({ name: 'dock', kind: 'latent' })
  const { fleet, master, ...parts } = await openFleet(database, [latent])
  const pool = fleet.get('dock')!
  const { rowId } = pool
  const id = 'rouse-dock-1'
  const token = instanceToken(Buffer.alloc(32, 7), id, 1)
  await database.db
    .insertInto('instances')
    .values({
      id,
      worker_id: rowId,
      number: 1,
      backend: 'test',
      state: 'starting',
      template: '{}',
      epoch: master.epoch,
      deadline: new Date(),
    })
    .execute()
  const worker = new Worker(rowId, latent, { id, number: 1, pool })
  const known: InstanceLogin = {
    worker: async () => worker,
    generation: 1,
    isOutdated: () => false,
    outdated: () => {},
    token,
    get credentialHash() {
      return worker.session?.credentialHash ?? stored
    },
  }
  let stored: Buffer | null = null
  const login = new Login({
    ...parts,
    fleet,
    instances: { find: async (name) => (name === id ? known : undefined) },
  })
  const path = join(await tempDir(), 'agents.sock')
  const { web } = await startTestWeb(
    database,
    { agentsListen: [{ path }] },
    {
      fleet: {
        authenticate: (attempt) => login.check(attempt),
        accept: (accepted, link, from) => fleet.accept(accepted, link, from),
        status: () => undefined,
        setAdmin: async () => {},
      },
    },
  )
  onTestFinished(() => web.close())

  const start = async (baseDir: string) => {
    await writeFile(join(baseDir, 'token'), token, { mode: 0o600 })
    const options = ['--name', id, '--password-file', join(baseDir, 'token'), '--base-dir', baseDir]
    return new AgentProcess([...fromSource, '--master', `unix:${path}`, '--instance', ...options], baseDir)
  }
  const agent = await start(await tempDir())
  const first = await waitFor('the session', () => (worker.session?.welcomed ? worker.session : undefined))
  const row = await database.db
    .selectFrom('instances')
    .select('credential_hash')
    .where('id', '=', id)
    .executeTakeFirst()
  expect(row!.credential_hash).toEqual(first.credentialHash)
  stored = row!.credential_hash

  agent.signal('SIGKILL')
  await agent.ended()
  await waitFor('its end', () => !worker.session)
  const thief = await start(await tempDir())
  await waitFor('the refusal', () => thief.output.includes('HTTP 401 ROUSE_AGENT_LOGIN_REFUSED'))
  const again = await start(agent.baseDir)
  const second = await waitFor('the agent again', () =>
    worker.session?.welcomed ? worker.session : undefined,
  )
  expect(second.runId).toBe(first.runId)
  await waitFor('word of it', () => again.output.includes(`connected to unix:${path} as ${id}`))
})
