import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InstanceLogin } from '../../src/fleet/instance-logins.ts'
import { Login } from '../../src/fleet/login.ts'
import { Worker } from '../../src/fleet/worker.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FarEnd, openFleet, staticSpec } from './open-fleet.ts'

let database: TestDatabase
/** A place in a pool is taken by one instance at a time. */
let places = 0
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

type KnownInstance = InstanceLogin & { of: Worker; credentialHash: Buffer | null; refusal?: string }

/** A fleet with the latent worker "dock" and two instances of it; what is stored of them is what the logins see. */
async function open() {
  const { password: _, ...latent } = staticSpec({ name: 'dock', kind: 'latent' })
  const opened = await openFleet(database, [staticSpec(), latent])
  const instances = new Map<string, KnownInstance>()
  const outdated: string[] = []
  const ids = [`dock-${randomUUID()}`, `dock-${randomUUID()}`]
  for (const [index, id] of ids.entries()) {
    const number = ++places
    const pool = opened.fleet.get('dock')!
    const { rowId } = pool
    const worker = new Worker(rowId, latent, { id, number, pool })
    instances.set(id, {
      of: worker,
      worker: async () => worker,
      generation: 1,
      isOutdated: ({ password }) => password === 'token of an earlier life',
      outdated: () => void outdated.push(id),
      token: `token ${index}`,
      credentialHash: null,
    })
    const row = { id, worker_id: rowId, number, backend: 'test', state: 'starting' as const }
    const rest = { template: '{}', epoch: opened.master.epoch, deadline: new Date() }
    await database.db
      .insertInto('instances')
      .values({ ...row, ...rest })
      .execute()
  }
  const login = new Login({ ...opened, instances: { find: async (id) => instances.get(id) } })
  const attempt = {
    name: ids[0]!,
    password: 'token 0',
    address: '192.0.2.7',
    runId: undefined,
    credential: newCredential(),
  }
  return {
    ...opened,
    ids,
    outdated,
    instance: instances.get(ids[0]!)!,
    other: instances.get(ids[1]!)!,
    credential: attempt.credential,
    check: (more: object = {}) => login.check({ ...attempt, ...more }),
    stored: () =>
      database.db
        .selectFrom('instances')
        .select('credential_hash')
        .where('id', '=', ids[0]!)
        .executeTakeFirstOrThrow(),
  }
}

const newCredential = () => randomBytes(32).toString('base64url')
const hashOf = (credential: string) => createHash('sha256').update(credential).digest()
const wrong = {
  ok: false,
  status: 401,
  code: 'ROUSE_AGENT_LOGIN_REFUSED',
  message: 'unknown worker name or wrong password',
}

test('an instance logs in with its token once; from then on only with the credential that it made itself', async () => {
  const { check, credential, fleet, instance, stored } = await open()
  const credentialHash = hashOf(credential)
  const answer = await check()
  expect(answer).toEqual({ ok: true, worker: instance.of, credentialHash, generation: 1 })
  const first = await new FarEnd(fleet, { worker: instance.of, credentialHash }).welcomed()
  expect((await stored()).credential_hash).toEqual(credentialHash)
  expect(instance.of.session!.credentialHash).toEqual(credentialHash)

  instance.credentialHash = credentialHash
  expect(await check({ runId: first.runId })).toMatchObject({ ok: true })
  expect(await check({ runId: first.runId, password: 'an older token' })).toMatchObject({ ok: true })
  expect(await check({ credential: newCredential() })).toEqual(wrong)
  expect(await check({ credential: undefined })).toEqual(wrong)
})

test('a login whose answer was lost is repeated with the same credential, also after it was stored', async () => {
  const { check, credential, fleet, instance } = await open()
  const credentialHash = hashOf(credential)
  const first = await new FarEnd(fleet, { worker: instance.of, credentialHash }).welcomed()
  // The engine does not know of it yet.
  expect(await check({ runId: first.runId })).toMatchObject({ ok: true, credentialHash })
  const again = await new FarEnd(fleet, {
    worker: instance.of,
    credentialHash,
    runId: first.runId,
  }).welcomed()
  expect(instance.of.session?.runId).toBe(again.runId)
})

test('of two agents that know the token of an instance, only the first one that is stored gets a session', async () => {
  const { credential, fleet, instance, logged, stored } = await open()
  const first = await new FarEnd(fleet, {
    worker: instance.of,
    credentialHash: hashOf(credential),
  }).welcomed()
  first.master.closed('lost')
  const thief = new FarEnd(fleet, { worker: instance.of, credentialHash: hashOf(newCredential()) })
  await waitFor('the end of the second', () => thief.closed)
  expect(thief.received).toEqual([])
  expect((await stored()).credential_hash).toEqual(hashOf(credential))
  expect(JSON.stringify(logged)).toContain('another agent has logged in as instance')
})

test('unknown instances, wrong tokens and missing credentials get one answer; the log says which it was', async () => {
  const { check, logged } = await open()
  expect(await check({ name: `dock-${randomUUID()}` })).toEqual(wrong)
  expect(await check({ password: 'token 1' })).toEqual(wrong)
  expect(await check({ password: '' })).toEqual(wrong)
  expect(await check({ credential: undefined })).toEqual(wrong)
  expect(logged.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
    expect.stringContaining('no worker of this name'),
    expect.stringContaining('wrong token'),
    expect.stringContaining('wrong token'),
    expect.stringContaining('must propose a credential'),
  ])
})

test("an agent that logs in with a latent worker's name is refused, and the log says that its instances come by themselves", async () => {
  const { check, logged } = await open()
  expect(await check({ name: 'dock', password: '' })).toEqual(wrong)
  expect(logged.at(-1)).toMatchObject({
    worker: 'dock',
    msg: expect.stringContaining('a latent worker takes no agents of your own'),
  })
})

test('a second attach to an instance is refused with 409 while its agent answers', async () => {
  const { check, credential, fleet, instance } = await open()
  await new FarEnd(fleet, { worker: instance.of, credentialHash: hashOf(credential) }).welcomed()
  expect(await check({ runId: randomUUID() })).toMatchObject({
    status: 409,
    code: 'ROUSE_AGENT_ALREADY_CONNECTED',
    message: expect.stringContaining(`"${instance.of.name}"`),
  })
})

test('an instance that is being stopped is told so with 409, but only when it knows its token', async () => {
  const { check, instance } = await open()
  instance.refusal = 'it did not come within 10 minutes'
  expect(await check()).toEqual({
    ok: false,
    status: 409,
    code: 'ROUSE_AGENT_INSTANCE_ENDS',
    message: 'it did not come within 10 minutes',
  })
  expect(await check({ password: 'guess' })).toEqual(wrong)
})

test('the instances of a worker have their sessions side by side', async () => {
  const { credential, fleet, instance, other } = await open()
  const first = await new FarEnd(fleet, {
    worker: instance.of,
    credentialHash: hashOf(credential),
  }).welcomed()
  const second = await new FarEnd(fleet, {
    worker: other.of,
    credentialHash: hashOf(newCredential()),
  }).welcomed()
  expect([first.closed, second.closed]).toEqual([undefined, undefined])
  const live = await database.db
    .selectFrom('sessions')
    .select('instance_id')
    .where('instance_id', 'in', [instance.of.instanceId, other.of.instanceId])
    .where('disconnected_at', 'is', null)
    .execute()
  expect(live).toHaveLength(2)
})

test('an instance that the master has done with between login and hello gets no session', async () => {
  const { credential, fleet, instance } = await open()
  instance.of.left = true
  const late = new FarEnd(fleet, { worker: instance.of, credentialHash: hashOf(credential) })
  expect(late.closed).toBe('this instance is being stopped')
})

test('what was good for an earlier generation of an instance is refused with a reason, and the engine is told', async () => {
  const { check, ids, logged, outdated } = await open()
  expect(await check({ password: 'token of an earlier life' })).toEqual({
    ok: false,
    status: 409,
    code: 'ROUSE_AGENT_NOT_RESET',
    message: expect.stringContaining('of an earlier generation'),
  })
  expect(outdated).toEqual([ids[0]])
  expect(JSON.stringify(logged)).toContain('agent refused: this login is of an earlier generation')
})

test('an agent whose instance was reset between its login and its hello gets no session, and its credential is not kept', async () => {
  const { credential, fleet, ids, instance, stored } = await open()
  await database.db.updateTable('instances').set({ generation: 2 }).where('id', '=', ids[0]!).execute()
  const late = new FarEnd(fleet, {
    worker: instance.of,
    credentialHash: hashOf(credential),
    generation: 1,
  })
  await waitFor('its end', () => late.closed)
  expect(late.received).toEqual([])
  expect((await stored()).credential_hash).toBe(null)
})
