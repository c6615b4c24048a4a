import { sql, type Kysely } from 'kysely'

/** Instances whose machines are shut down until a build wants them, and how long they were so. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table instances
      drop constraint instances_state_check,
      add constraint instances_state_check check (state in ('requested', 'starting', 'sealing', 'attached', 'busy', 'resetting',
        'parking', 'parked', 'stopping', 'gone')),
      add column parkings int not null default 0`.execute(db)
  await sql`
    create table parkings (
      instance_id text not null references instances,
      number int not null,
      since timestamptz not null,
      until timestamptz,
      primary key (instance_id, number)
    )`.execute(db)
}
