import { sql, type Kysely } from 'kysely'

/** Where the cluster's database is, so that a copy of it elsewhere is told from it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table cluster
      add column system_identifier text,
      add column database_oid text`.execute(db)
  // For what they have cost lately, however many there ever were.
  await sql`create index instances_by_end on instances (changed_at) where price_per_hour is not null`.execute(
    db,
  )
  await sql`create index builds_by_instance on builds (instance_id) where instance_id is not null`.execute(db)
}
