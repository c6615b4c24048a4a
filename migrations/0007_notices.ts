import { sql, type Kysely } from 'kysely'

/** What people and other services are told: the outbox, and what is known of missing workers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // As the config has them: what a transaction notes for whom is decided in the transaction itself.
  await sql`
    create table reporters (
      name text primary key,
      kind text not null,
      configured boolean not null default true,
      events text[] not null,
      builders text[]
    )`.execute(db)
  await sql`
    create table notices (
      id bigint generated always as identity primary key,
      key text not null unique,
      reporter text not null references reporters,
      event jsonb not null,
      state text not null default 'new' check (state in ('new', 'waiting', 'sent', 'failed', 'dropped')),
      target text,
      subject text,
      content jsonb,
      lane text,
      attempts int not null default 0,
      error jsonb,
      created_at timestamptz not null default now(),
      next_attempt_at timestamptz not null default now(),
      claimed_until timestamptz,
      claimed_by uuid references masters,
      expires_at timestamptz not null,
      ended_at timestamptz,
      check ((state in ('sent', 'failed', 'dropped')) = (ended_at is not null)),
      check (state = 'new' or target is not null)
    )`.execute(db)
  await sql`create index notices_open on notices (reporter, next_attempt_at) where state in ('new', 'waiting')`.execute(
    db,
  )
  await sql`create index notices_lane on notices (reporter, lane, id) where lane is not null`.execute(db)
  // One that refuses everything is asked rarely, and hurts no other.
  await sql`
    create table notice_targets (
      reporter text not null references reporters,
      target text not null,
      failures int not null,
      failing_since timestamptz not null,
      held_until timestamptz not null,
      error jsonb not null,
      primary key (reporter, target)
    )`.execute(db)
  await sql`
    alter table workers
      add column expected_since timestamptz,
      add column wanted_since timestamptz,
      add column short_since timestamptz,
      add column missing_since timestamptz,
      add column missing_noticed_at timestamptz,
      add column flapping_noticed_at timestamptz`.execute(db)
  await sql`create index sessions_ended on sessions (worker_id, disconnected_at) where disconnected_at is not null`.execute(
    db,
  )
}
