import type { Selectable, Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { active, type Admin } from './admin.ts'

type Row = Pick<Selectable<Database['workers']>, 'admin_state' | 'admin_reason' | 'admin_by' | 'admin_until'>

export function adminOf(row: Row): Admin {
  const { admin_by: by, admin_reason: reason, admin_state: state, admin_until: until } = row
  return { state, reason, by, until }
}

export async function storeAdmin(trx: Transaction<Database>, workerId: number, admin: Admin): Promise<void> {
  await trx.updateTable('workers').set(columnsOf(admin)).where('id', '=', workerId).execute()
}

/** Makes the worker active, unless somebody has decided anew since. Returns what is stored now. */
export async function storeAdminEnd(
  trx: Transaction<Database>,
  workerId: number,
  until: Date,
): Promise<Admin> {
  await trx
    .updateTable('workers')
    .set(columnsOf(active))
    .where('id', '=', workerId)
    .where('admin_until', '=', until)
    .execute()
  const row = await trx
    .selectFrom('workers')
    .select(['admin_state', 'admin_reason', 'admin_by', 'admin_until'])
    .where('id', '=', workerId)
    .executeTakeFirstOrThrow()
  return adminOf(row)
}

function columnsOf({ by, reason, state, until }: Admin): Row {
  return { admin_state: state, admin_reason: reason, admin_by: by, admin_until: until }
}
