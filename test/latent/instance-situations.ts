import type { Instance } from '../../src/latent/backend.ts'
import type { InstanceEvent, InstanceRules, Moment } from '../../src/latent/instance-event.ts'
import type { InstanceRow } from '../../src/latent/instance-row.ts'
import type { InstanceState } from '../../src/model/instance-state.ts'

export const rules: InstanceRules = {
  startTimeout: 600_000,
  reset: null,
  park: false,
  maxStartAttempts: 5,
  buildWaitTimeout: 600_000,
  maxAge: 86_400_000,
  maxBuilds: Infinity,
  maxDisconnected: 3_600_000,
  listLag: 5000,
}
export const parks: InstanceRules = { ...rules, park: true }
export const snapshots: InstanceRules = { ...rules, reset: 'snapshot' }
export const now = 1_000_000
export const quiet: Moment = { now, connected: true, isReset: false, places: 0, kept: false }

export function rowOf(state: InstanceState, more: Partial<InstanceRow> = {}): InstanceRow {
  return {
    id: 'i',
    state,
    generation: 1,
    attempt: 1,
    ref: null,
    detail: null,
    deadline: state === 'gone' ? null : now + 1000,
    retryAt: null,
    createdAt: 0,
    changedAt: 0,
    idleSince: state === 'attached' ? now : null,
    builds: 0,
    parkings: 0,
    stopReason: null,
    unseenSince: null,
    ...more,
  }
}

export const bearer = (state: Instance['state'] = 'running'): Instance => ({
  id: 'i',
  cluster: 'c',
  worker: 'dock',
  ref: 'r',
  state,
  detail: 'why',
})

export const events: Record<string, InstanceEvent> = {
  started: { type: 'started', ref: 'r' },
  'startFailed PASSING': {
    type: 'startFailed',
    failure: { code: 'PASSING', message: 'm' },
    retryAt: now + 10_000,
  },
  'startFailed REJECTED': { type: 'startFailed', failure: { code: 'REJECTED', message: 'm' }, retryAt: now },
  'startFailed CAPACITY': { type: 'startFailed', failure: { code: 'CAPACITY', message: 'm' }, retryAt: now },
  stopFailed: { type: 'stopFailed', message: 'm' },
  sealed: { type: 'sealed' },
  sealFailed: { type: 'sealFailed', failure: { code: 'PASSING', message: 'm' } },
  reset: { type: 'reset', generation: 1 },
  'reset of another generation': { type: 'reset', generation: 2 },
  resetFailed: { type: 'resetFailed', generation: 1, failure: { code: 'PASSING', message: 'm' } },
  wake: { type: 'wake' },
  parkFailed: { type: 'parkFailed', failure: { code: 'PASSING', message: 'm' } },
  stale: { type: 'stale' },
  attached: { type: 'attached' },
  detached: { type: 'detached' },
  adopted: { type: 'adopted' },
  reconfigured: { type: 'reconfigured' },
  buildBegan: { type: 'buildBegan' },
  buildEnded: { type: 'buildEnded' },
  'listed none': { type: 'listed', bearers: [], asOf: now },
  'listed one': { type: 'listed', bearers: [bearer()], asOf: now },
  'listed half-made': { type: 'listed', bearers: [bearer('starting')], asOf: now },
  'listed failed': { type: 'listed', bearers: [bearer('failed')], asOf: now },
  'listed stopped': { type: 'listed', bearers: [bearer('stopped')], asOf: now },
  'listed two': { type: 'listed', bearers: [bearer(), bearer()], asOf: now },
  unwanted: { type: 'unwanted', reason: 'r' },
  forced: { type: 'forced', reason: 'r' },
  retired: { type: 'retired' },
  'time, too early': { type: 'time' },
}
