import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { InstanceRow } from './instance-row.ts'

/** Notes from when until when a machine was shut down, which costs less. May run again after a commit whose answer was lost. */
export async function storeParking(
  trx: Transaction<Database>,
  before: InstanceRow,
  after: InstanceRow,
): Promise<void> {
  if (before.state === after.state) return
  const at = new Date(after.changedAt)
  if (after.state === 'parked')
    await trx
      .insertInto('parkings')
      .values({ instance_id: after.id, number: after.parkings, since: at })
      .onConflict((oc) => oc.doNothing())
      .execute()
  else if (before.state === 'parked')
    await trx
      .updateTable('parkings')
      .set({ until: at })
      .where('instance_id', '=', after.id)
      .where('number', '=', before.parkings)
      .execute()
}
