import { expect, test } from 'vitest'
import { EventLog } from '../../src/builds/event-log.ts'
import type { InstanceRow } from '../../src/latent/instance-row.ts'
import type { InstanceState } from '../../src/model/instance-state.ts'
import { Metrics } from '../../src/metrics.ts'
import { ManualClock } from '../helpers/manual-clock.ts'

function opened() {
  const clock = new ManualClock()
  clock.advance(1_000_000)
  const events = new EventLog()
  const metrics = new Metrics({ clock, events })
  const line = async (name: string) =>
    (await metrics.text()).text.split('\n').find((text) => text.startsWith(`${name} `))
  return { clock, events, metrics, line }
}

test('seconds from the request for an instance until its agent was there are a histogram by worker', async () => {
  const { line, metrics } = opened()
  metrics.instances.moved('dock', row('requested', 1_000_000), row('starting', 1_002_000))
  metrics.instances.moved('dock', row('starting', 1_002_000), row('attached', 1_012_500))
  expect(await line('rouse_instance_start_seconds_sum{worker="dock"}')).toMatch(/ 12\.5$/)
  expect(await line('rouse_instance_start_seconds_count{worker="dock"}')).toMatch(/ 1$/)
  expect(await line('rouse_instance_start_seconds_bucket{le="10",worker="dock"}')).toMatch(/ 0$/)
  expect(await line('rouse_instance_start_seconds_bucket{le="20",worker="dock"}')).toMatch(/ 1$/)
})

test('the seconds of a reset are counted apart; the first one of a machine that is sealed belongs to its start', async () => {
  const { line, metrics } = opened()
  metrics.instances.moved('vm', row('resetting', 1_003_000), row('attached', 1_004_000))
  const after = { ...row('resetting', 1_030_000), builds: 1 }
  metrics.instances.moved('vm', after, { ...row('attached', 1_031_500), builds: 1 })
  expect(await line('rouse_instance_start_seconds_count{worker="vm"}')).toMatch(/ 1$/)
  expect(await line('rouse_instance_reset_seconds_sum{worker="vm"}')).toMatch(/ 1\.5$/)
})

test('idle and busy seconds are counted by worker, but not those of the process before', async () => {
  const { line, metrics } = opened()
  metrics.instances.moved('dock', row('attached', 990_000), row('busy', 1_004_000))
  metrics.instances.moved('dock', row('busy', 1_004_000), row('attached', 1_034_000))
  metrics.instances.moved('dock', row('attached', 1_034_000), row('stopping', 1_035_500))
  expect(await line('rouse_instance_seconds_total{worker="dock",activity="busy"}')).toMatch(/ 30$/)
  expect(await line('rouse_instance_seconds_total{worker="dock",activity="idle"}')).toMatch(/ 5\.5$/)
})

test('failed starts are counted by worker and code, builds by result, connections as they come', async () => {
  const { events, line, metrics } = opened()
  metrics.instances.startFailed('dock', 'REJECTED')
  metrics.instances.startFailed('dock', 'PASSING')
  metrics.instances.startFailed('dock', 'PASSING')
  const build = { build: 1, request: 1, builder: 'unit', worker: 'bot' }
  events.publish({ type: 'build.finished', ...build, result: 'FAILURE' })
  events.publish({ type: 'worker.connected', worker: 'bot', address: '127.0.0.1' })
  expect(await line('rouse_start_failures_total{worker="dock",code="PASSING"}')).toMatch(/ 2$/)
  expect(await line('rouse_start_failures_total{worker="dock",code="REJECTED"}')).toMatch(/ 1$/)
  expect(await line('rouse_builds_total{result="FAILURE"}')).toMatch(/ 1$/)
  expect(await line('rouse_builds_total{result="SUCCESS"}')).toMatch(/ 0$/)
  expect(await line('rouse_sessions_total')).toMatch(/ 1$/)
})

test('the usual metrics of a process are there', async () => {
  const { line } = opened()
  expect(await line('process_resident_memory_bytes')).toBeDefined()
})

function row(state: InstanceState, changedAt: number): InstanceRow {
  return {
    id: 'rouse-1',
    state,
    generation: 1,
    attempt: 1,
    ref: null,
    detail: null,
    deadline: null,
    retryAt: null,
    createdAt: 1_000_000,
    changedAt,
    idleSince: null,
    builds: 0,
    parkings: 0,
    stopReason: null,
    unseenSince: null,
  }
}
