import type { ColumnType, Generated } from 'kysely'
import type { InstanceState } from '../model/instance-state.ts'
import type { OptionalTime, Time } from './column-types.ts'

export interface InstancesTable {
  id: string
  worker_id: number
  number: number
  backend: string
  state: InstanceState
  ref: string | null
  detail: string | null
  template: ColumnType<unknown, string, string>
  template_hash: Generated<string>
  generation: Generated<number>
  /** SHA-256 of what its agent logs in with; null until that is there for the first time. */
  credential_hash: Buffer | null
  attempt: Generated<number>
  owner: string | null
  epoch: number
  deadline: OptionalTime
  retry_at: OptionalTime
  created_at: Time
  changed_at: Time
  idle_since: OptionalTime
  attached_at: OptionalTime
  builds: Generated<number>
  /** How often it has been parked. */
  parkings: Generated<number>
  stop_reason: string | null
  unseen_since: OptionalTime
  price_per_hour: number | null
}

/** When machines were shut down until a build wanted them. */
export interface ParkingsTable {
  instance_id: string
  number: number
  since: Time
  until: OptionalTime
}

export interface StartBackoffsTable {
  worker_id: number
  template_hash: string
  code: 'CAPACITY' | 'REJECTED' | 'PASSING'
  message: string
  failures: number
  until: ColumnType<Date, Date, Date>
}
