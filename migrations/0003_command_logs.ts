import { sql, type Kysely } from 'kysely'

/** Where the further logs of a command are, those of files that it writes: `log` counts from 1, and log 0 stands in commands. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table command_logs (
      command_id uuid not null references commands on delete cascade,
      log smallint not null check (log > 0),
      log_id bigint not null references logs,
      log_base bigint not null,
      primary key (command_id, log)
    )`.execute(db)
}
