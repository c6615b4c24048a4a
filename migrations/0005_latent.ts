import { sql, type Kysely } from 'kysely'

/** What the latent engine needs to know of its instances after a restart. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table instances
      add column template_hash text not null default '',
      add column builds int not null default 0,
      add column retry_at timestamptz,
      add column idle_since timestamptz,
      add column attached_at timestamptz,
      add column stop_reason text,
      add column unseen_since timestamptz,
      add column price_per_hour double precision`.execute(db)
  await sql`create unique index instances_one_per_place on instances (worker_id, number) where state <> 'gone'`.execute(
    db,
  )
  await sql`create index instances_newest on instances (created_at desc, id)`.execute(db)
  // Belongs to a worker and one of its templates: a wrong one must not hold up the others.
  await sql`
    create table start_backoffs (
      worker_id bigint not null references workers,
      template_hash text not null,
      code text not null,
      message text not null,
      failures int not null,
      until timestamptz not null,
      primary key (worker_id, template_hash)
    )`.execute(db)
  // Instances that were started for the request and came to nothing.
  await sql`
    alter table requests
      add column start_attempts int not null default 0,
      add column start_failure text`.execute(db)
}
