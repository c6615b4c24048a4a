import { sql, type Kysely } from 'kysely'

/** Images that the cluster has provisioned: which there are, and which of them each name stands for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table images (
      name text not null,
      hash text not null,
      backend text not null,
      base text not null,
      state text not null check (state in ('building', 'storing', 'ready', 'failed', 'removing', 'removed')),
      attempt int not null default 1,
      request_id bigint references requests,
      build_id bigint references builds,
      instance_id text references instances,
      ref text,
      error text,
      created_at timestamptz not null default now(),
      changed_at timestamptz not null default now(),
      ready_at timestamptz,
      retired_at timestamptz,
      primary key (name, hash),
      check (state <> 'storing' or instance_id is not null),
      check (state <> 'ready' or ref is not null)
    )`.execute(db)
  await sql`create index images_by_instance on images (instance_id) where state = 'storing'`.execute(db)
  // `fresh` counts how often it was to be built anew although nothing had changed.
  await sql`
    create table image_names (
      name text primary key,
      wanted text,
      used text,
      pinned text,
      fresh int not null default 0
    )`.execute(db)
}
