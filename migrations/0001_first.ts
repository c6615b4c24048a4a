import { sql, type Kysely } from 'kysely'

/** Every write to a row with `owner` and `epoch` says `where epoch = n`, so that a master that lost its lease changes nothing. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements.split(/;\s*\n/)) {
    if (statement.trim()) await sql.raw(statement).execute(db)
  }
}

const statements = `
create table cluster (
  id uuid primary key,
  created_at timestamptz not null default now(),
  only_one boolean not null default true unique check (only_one)
);

create table masters (
  id uuid primary key,
  epoch bigint generated always as identity,
  host text not null,
  pid int not null,
  version text not null,
  started_at timestamptz not null default now(),
  lease_until timestamptz not null,
  stopped_at timestamptz
);

create table workers (
  id bigint generated always as identity primary key,
  name text not null unique,
  kind text not null,
  configured boolean not null default true,
  facts jsonb,
  last_address text,
  last_connected_at timestamptz,
  last_seen_at timestamptz,
  disconnected_at timestamptz,
  admin_state text not null default 'active' check (admin_state in ('active', 'paused', 'draining')),
  admin_reason text,
  admin_by text,
  admin_until timestamptz,
  quarantined_until timestamptz,
  quarantine_delay int not null default 0
);

create table instances (
  id text primary key,
  worker_id bigint not null references workers,
  number int not null,
  backend text not null,
  state text not null check (state in ('requested', 'starting', 'sealing', 'attached', 'busy', 'resetting', 'stopping', 'gone')),
  ref text,
  detail text,
  template jsonb not null,
  generation int not null default 1,
  credential_hash bytea,
  attempt int not null default 1,
  owner uuid references masters,
  epoch bigint not null,
  deadline timestamptz,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  check (state = 'gone' or deadline is not null)
);
create index instances_live on instances (worker_id) where state <> 'gone';

create table sessions (
  id uuid primary key,
  worker_id bigint not null references workers,
  instance_id text references instances,
  owner uuid not null references masters,
  epoch bigint not null,
  run_id uuid not null,
  address text not null,
  version text not null,
  connected_at timestamptz not null default now(),
  disconnected_at timestamptz,
  disconnect_reason text
);
create unique index sessions_live on sessions (worker_id, coalesce(instance_id, '')) where disconnected_at is null;

create table builders (
  id bigint generated always as identity primary key,
  name text not null unique,
  configured boolean not null default true,
  description text,
  last_served_at timestamptz
);

create table schedulers (
  name text primary key,
  kind text not null,
  configured boolean not null default true,
  state jsonb not null default '{}',
  last_fired_at timestamptz
);

create table changes (
  id bigint generated always as identity primary key,
  repository text not null,
  branch text,
  revision text not null,
  author text,
  message text,
  link text,
  files text[] not null default '{}',
  properties jsonb not null default '{}',
  happened_at timestamptz not null,
  received_at timestamptz not null default now(),
  unique (repository, branch, revision)
);

create table source_stamps (
  id bigint generated always as identity primary key,
  repository text not null default '',
  branch text,
  revision text,
  unique nulls not distinct (repository, branch, revision)
);

create table source_stamp_changes (
  buildset_id bigint not null,
  change_id bigint not null references changes,
  primary key (buildset_id, change_id)
);

create table buildsets (
  id bigint generated always as identity primary key,
  reason text not null,
  origin text not null check (origin in ('force', 'rebuild', 'scheduler', 'trigger')),
  scheduler text,
  source_stamp_id bigint not null references source_stamps,
  properties jsonb not null default '[]',
  idempotency_key text unique,
  submitted_at timestamptz not null default now(),
  completed_at timestamptz,
  result text
);

create table requests (
  id bigint generated always as identity primary key,
  buildset_id bigint not null references buildsets,
  builder_id bigint not null references builders,
  priority int not null default 0,
  waited_for boolean not null default false,
  state text not null default 'pending' check (state in ('pending', 'claimed', 'complete')),
  attempts int not null default 0,
  not_before timestamptz,
  avoid_worker_id bigint references workers,
  superseded_by bigint references requests,
  owner uuid references masters,
  epoch bigint not null default 0,
  cancel_reason text,
  submitted_at timestamptz not null default now(),
  claimed_at timestamptz,
  completed_at timestamptz,
  result text,
  check ((state = 'complete') = (result is not null))
);
create index requests_open on requests (id) where state <> 'complete';
create index requests_buildset on requests (buildset_id);
create index requests_by_builder on requests (builder_id, id desc);

create table builds (
  id bigint generated always as identity primary key,
  request_id bigint not null references requests,
  builder_id bigint not null references builders,
  worker_id bigint not null references workers,
  instance_id text references instances,
  attempt int not null,
  slot int not null,
  run_id uuid not null,
  owner uuid not null references masters,
  epoch bigint not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  cancel_reason text,
  result text,
  summary text,
  check ((finished_at is null) = (result is null)),
  unique (request_id, attempt)
);
create unique index builds_one_live_per_request on builds (request_id) where result is null;
create unique index builds_one_per_slot on builds (worker_id, builder_id, slot, coalesce(instance_id, '')) where result is null;
create index builds_by_builder on builds (builder_id, id desc);
create index builds_by_worker on builds (worker_id, id desc);

create table build_properties (
  build_id bigint not null references builds on delete cascade,
  name text not null,
  value jsonb not null,
  source text not null,
  primary key (build_id, name)
);

create table steps (
  id bigint generated always as identity primary key,
  build_id bigint not null references builds on delete cascade,
  number int not null,
  name text not null,
  started_at timestamptz,
  finished_at timestamptz,
  result text,
  summary text,
  unique (build_id, number)
);

create table logs (
  id bigint generated always as identity primary key,
  step_id bigint not null references steps on delete cascade,
  name text not null,
  bytes bigint not null default 0,
  lines bigint not null default 0,
  finished boolean not null default false,
  unique (step_id, name)
);

create table log_chunks (
  log_id bigint not null references logs on delete cascade,
  start bigint not null,
  bytes int not null,
  first_line bigint not null,
  lines int not null,
  codec smallint not null,
  runs bytea not null,
  body bytea not null,
  primary key (log_id, start)
);
create index log_chunks_by_line on log_chunks (log_id, first_line);

create table commands (
  id uuid primary key,
  build_id bigint not null references builds on delete cascade,
  step_id bigint not null references steps on delete cascade,
  call text not null,
  operation jsonb not null,
  log_id bigint not null references logs,
  log_base bigint not null,
  result jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (step_id, call)
);
create index commands_open on commands (build_id) where finished_at is null;

create table artifacts (
  id bigint generated always as identity primary key,
  build_id bigint not null references builds on delete cascade,
  step_id bigint not null references steps on delete cascade,
  name text not null,
  path text not null,
  size bigint not null,
  sha256 text not null,
  type text not null,
  created_at timestamptz not null default now(),
  unique (build_id, name)
);

create table master_state (
  key text primary key,
  value jsonb not null
);
`
