import { randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { adoptCluster, openCluster, renewCluster } from '../../src/db/cluster-identity.ts'
import type { Database } from '../../src/db/schema.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { seedInstance } from '../web/seed.ts'

const database = await createTestDatabase()
const { db } = database
afterAll(() => database.close())
beforeEach(async () => {
  await db.deleteFrom('instances').execute()
  await db.deleteFrom('cluster').execute()
})
const inOne = <T>(work: (trx: Transaction<Database>) => Promise<T>) => db.transaction().execute(work)
const open = (name?: string) => inOne((trx) => openCluster(trx, name))
const moveServer = () => db.updateTable('cluster').set({ system_identifier: '1' }).execute()

test('the first start makes a cluster and binds it to its server and database', async () => {
  const first = await open()
  expect(first.isCopied).toBe(false)
  expect(await open()).toEqual(first)
  const row = await db.selectFrom('cluster').selectAll().executeTakeFirstOrThrow()
  expect(row).toMatchObject({
    system_identifier: expect.stringMatching(/^\d+$/),
    database_oid: expect.any(String),
  })
})

test('a database that is on another server is a copy, until it is adopted', async () => {
  const { id } = await open()
  await moveServer()
  expect(await open()).toEqual({ id, isCopied: true })
  expect(await inOne(adoptCluster)).toEqual({ id, isCopied: false })
  expect(await open()).toEqual({ id, isCopied: false })
})

test('a database that has another place on the same server is a copy; renewed, it has another id', async () => {
  const { id } = await open()
  await db.updateTable('cluster').set({ database_oid: '1' }).execute()
  expect(await open()).toEqual({ id, isCopied: true })
  const renewed = await inOne((trx) => renewCluster(trx))
  expect(renewed.id).not.toBe(id)
  expect(await open()).toEqual(renewed)
})

test('a copy with the name of the other cluster cannot be renewed under that name', async () => {
  const { id } = await open('acme')
  await moveServer()
  await expect(inOne((trx) => renewCluster(trx, 'acme'))).rejects.toMatchObject({
    code: 'ROUSE_CLUSTER_NAME',
  })
  expect((await inOne((trx) => renewCluster(trx, 'staging'))).id).not.toBe(id)
})

test('a new name in the config waits until nothing lives that carries the old stamp', async () => {
  const { id } = await open()
  const instance = await seedInstance(db)
  expect(await open('acme')).toEqual({ id, isCopied: false })
  await db.updateTable('instances').set({ state: 'gone' }).where('id', '=', instance).execute()
  const named = await open('acme')
  expect(named.id).not.toBe(id)
  await db.deleteFrom('cluster').execute()
  expect(await open('acme')).toEqual(named)
})

test('where the server may not be asked who it is, the database alone decides', async () => {
  const role = `test_${randomUUID().replaceAll('-', '')}`
  await sql`create role ${sql.id(role)}`.execute(db)
  onTestFinished(async () => {
    await sql`drop owned by ${sql.id(role)}`.execute(db)
    await sql`drop role ${sql.id(role)}`.execute(db)
  })
  await sql`revoke execute on function pg_control_system() from public`.execute(db)
  await sql`grant all on cluster, instances to ${sql.id(role)}`.execute(db)
  const openAs = () =>
    inOne(async (trx) => {
      await sql`set local role ${sql.id(role)}`.execute(trx)
      return await openCluster(trx)
    })
  const first = await openAs()
  expect(first.isCopied).toBe(false)
  await moveServer()
  expect(await openAs()).toEqual(first)
  await db.updateTable('cluster').set({ database_oid: '1' }).execute()
  expect(await openAs()).toEqual({ ...first, isCopied: true })
})
