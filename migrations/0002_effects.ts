import { sql, type Kysely } from 'kysely'

/** Results of effects other than commands, so that a step that runs again after a restart gets the same answers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table effects (
      step_id bigint not null references steps on delete cascade,
      call text not null,
      kind text not null,
      request jsonb not null,
      result jsonb not null,
      created_at timestamptz not null default now(),
      primary key (step_id, call)
    )`.execute(db)
  // How far a command's output goes in its log: from log_base to log_base + log_bytes.
  await sql`alter table commands add column log_bytes bigint`.execute(db)
  // Attempts that count against maxInfraRetries; a changed config and a restart do not.
  await sql`alter table requests add column infra_failures int not null default 0`.execute(db)
}
