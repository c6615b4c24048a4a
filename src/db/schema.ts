import type { ColumnType, Generated } from 'kysely'
import type { Property } from '../model/properties.ts'
import type { Result } from '../model/results.ts'
import type { Facts } from '../protocol/messages.ts'
import type { Json, OptionalJson, OptionalTime, Time } from './column-types.ts'
import type { ImageNamesTable, ImagesTable } from './image-tables.ts'
import type { InstancesTable, ParkingsTable, StartBackoffsTable } from './latent-tables.ts'
import type { NoticesTable, NoticeTargetsTable, ReportersTable } from './notice-tables.ts'
import type { CommandResult } from '../protocol/operation.ts'
import type { StoredOperation } from './stored-operation.ts'

/** One interface per table of migrations/; the migration is the truth, this is its type. Times are Dates, bigints numbers. */
export interface Database {
  cluster: ClusterTable
  masters: MastersTable
  workers: WorkersTable
  sessions: SessionsTable
  instances: InstancesTable
  parkings: ParkingsTable
  start_backoffs: StartBackoffsTable
  builders: BuildersTable
  schedulers: SchedulersTable
  changes: ChangesTable
  source_stamps: SourceStampsTable
  source_stamp_changes: SourceStampChangesTable
  buildsets: BuildsetsTable
  requests: RequestsTable
  builds: BuildsTable
  build_properties: BuildPropertiesTable
  steps: StepsTable
  logs: LogsTable
  log_chunks: LogChunksTable
  commands: CommandsTable
  command_logs: CommandLogsTable
  effects: EffectsTable
  artifacts: ArtifactsTable
  master_state: MasterStateTable
  reporters: ReportersTable
  notices: NoticesTable
  notice_targets: NoticeTargetsTable
  images: ImagesTable
  image_names: ImageNamesTable
}

export interface ClusterTable {
  id: string
  created_at: Time
  /** Of the server and the database that it is bound to; null until the first start, and where it may not be read. */
  system_identifier: string | null
  database_oid: string | null
}

export interface MastersTable {
  id: string
  epoch: Generated<number>
  host: string
  pid: number
  version: string
  started_at: Time
  lease_until: ColumnType<Date, Date, Date>
  stopped_at: OptionalTime
}

export interface WorkersTable {
  id: Generated<number>
  name: string
  kind: string
  configured: Generated<boolean>
  facts: OptionalJson<Facts>
  last_address: string | null
  last_connected_at: OptionalTime
  last_seen_at: OptionalTime
  disconnected_at: OptionalTime
  admin_state: Generated<'active' | 'paused' | 'draining'>
  admin_reason: string | null
  admin_by: string | null
  admin_until: OptionalTime
  quarantined_until: OptionalTime
  quarantine_delay: Generated<number>
  /** Since when it is in the config without having connected. */
  expected_since: OptionalTime
  /** Latent: since when an instance is wanted, and no agent has come. */
  wanted_since: OptionalTime
  /** Latent: since when fewer than `minIdle` instances are there. */
  short_since: OptionalTime
  /** Since when it is missing, once people were told; they are told once until it is connected again. */
  missing_since: OptionalTime
  missing_noticed_at: OptionalTime
  flapping_noticed_at: OptionalTime
}

export interface SessionsTable {
  id: string
  worker_id: number
  instance_id: string | null
  owner: string
  epoch: number
  run_id: string
  address: string
  version: string
  connected_at: Time
  disconnected_at: OptionalTime
  disconnect_reason: string | null
}

export interface BuildersTable {
  id: Generated<number>
  name: string
  configured: Generated<boolean>
  description: string | null
  last_served_at: OptionalTime
}

export interface SchedulersTable {
  name: string
  kind: string
  configured: Generated<boolean>
  state: ColumnType<Record<string, unknown>, string | undefined, string>
  last_fired_at: OptionalTime
}

export interface ChangesTable {
  id: Generated<number>
  repository: string
  branch: string | null
  revision: string
  author: string | null
  message: string | null
  link: string | null
  files: Generated<string[]>
  properties: ColumnType<Record<string, unknown>, string | undefined, string>
  happened_at: ColumnType<Date, Date, Date>
  received_at: Time
}

export interface SourceStampsTable {
  id: Generated<number>
  repository: Generated<string>
  branch: string | null
  revision: string | null
}

/** The changes that a buildset is for. */
export interface SourceStampChangesTable {
  buildset_id: number
  change_id: number
}

export type Origin = 'force' | 'rebuild' | 'scheduler' | 'trigger'

export interface BuildsetsTable {
  id: Generated<number>
  reason: string
  origin: Origin
  scheduler: string | null
  source_stamp_id: number
  properties: Json<Property[]>
  idempotency_key: string | null
  submitted_at: Time
  completed_at: OptionalTime
  result: Result | null
}

export interface RequestsTable {
  id: Generated<number>
  buildset_id: number
  builder_id: number
  priority: Generated<number>
  waited_for: Generated<boolean>
  state: Generated<'pending' | 'claimed' | 'complete'>
  attempts: Generated<number>
  not_before: OptionalTime
  avoid_worker_id: number | null
  superseded_by: number | null
  infra_failures: Generated<number>
  start_attempts: Generated<number>
  start_failure: string | null
  owner: string | null
  epoch: Generated<number>
  cancel_reason: string | null
  submitted_at: Time
  claimed_at: OptionalTime
  completed_at: OptionalTime
  result: Result | null
}

export interface BuildsTable {
  id: Generated<number>
  request_id: number
  builder_id: number
  worker_id: number
  instance_id: string | null
  attempt: number
  slot: number
  run_id: string
  owner: string
  epoch: number
  started_at: Time
  finished_at: OptionalTime
  cancel_reason: string | null
  result: Result | null
  summary: string | null
}

export interface BuildPropertiesTable {
  build_id: number
  name: string
  value: ColumnType<Property['value'], string, string>
  source: Property['source']
}

export interface StepsTable {
  id: Generated<number>
  build_id: number
  number: number
  name: string
  started_at: OptionalTime
  finished_at: OptionalTime
  result: Result | null
  summary: string | null
}

export interface LogsTable {
  id: Generated<number>
  step_id: number
  name: string
  bytes: Generated<number>
  lines: Generated<number>
  finished: Generated<boolean>
}

export interface LogChunksTable {
  log_id: number
  start: number
  bytes: number
  first_line: number
  lines: number
  codec: number
  runs: Buffer
  body: Buffer
}

export interface CommandsTable {
  id: string
  build_id: number
  step_id: number
  call: string
  operation: Json<StoredOperation>
  log_id: number
  log_base: number
  log_bytes: number | null
  result: OptionalJson<CommandResult>
  created_at: Time
  finished_at: OptionalTime
}

/** Log 0 of a command stands in CommandsTable. */
export interface CommandLogsTable {
  command_id: string
  log: number
  log_id: number
  log_base: number
}

export interface EffectsTable {
  step_id: number
  call: string
  kind: string
  request: ColumnType<unknown, string, never>
  result: ColumnType<unknown, string, never>
  created_at: Time
}

export interface ArtifactsTable {
  id: Generated<number>
  build_id: number
  step_id: number
  name: string
  path: string
  size: number
  sha256: string
  type: string
  created_at: Time
}

export interface MasterStateTable {
  key: string
  value: ColumnType<unknown, string, string>
}
