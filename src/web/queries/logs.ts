import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiLog } from '../api.ts'

export async function logsOfStep(db: Kysely<Database>, stepId: number): Promise<ApiLog[]> {
  return selectLogs(db).where('step_id', '=', stepId).orderBy('id').execute()
}

export async function findLog(db: Kysely<Database>, id: number): Promise<ApiLog | undefined> {
  return selectLogs(db).where('id', '=', id).executeTakeFirst()
}

function selectLogs(db: Kysely<Database>) {
  return db.selectFrom('logs').select(['id', 'step_id as stepId', 'name', 'bytes', 'lines', 'finished'])
}
