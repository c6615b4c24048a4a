import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { InstanceObserver } from './latent/instance-observer.ts'
import type { InstanceRow } from './latent/instance-row.ts'
import { instanceStates } from './model/instance-state.ts'
import type { Latent } from './latent/latent.ts'
import type { Clock } from './util/clock.ts'

interface InstanceMetricsOptions {
  readonly clock: Clock
  readonly registry: Registry
  /** Once it is open. */
  readonly latent: () => Latent | undefined
}

/** What Prometheus is told of instances of latent workers. */
export function instanceMetrics({ clock, latent, registry }: InstanceMetricsOptions): InstanceObserver {
  const registers = [registry]
  // What an earlier process has counted of a stretch is not counted again.
  const begin = clock.now()
  const spent = new Map<string, { idle: number; busy: number }>()
  const add = (into: typeof spent, worker: string, { changedAt, state }: InstanceRow, until: number) => {
    const sum = into.get(worker) ?? { idle: 0, busy: 0 }
    into.set(worker, sum)
    const seconds = Math.max(0, until - Math.max(begin, changedAt)) / 1000
    if (state === 'busy') sum.busy += seconds
    else if (state === 'attached') sum.idle += seconds
  }

  new Gauge({
    name: 'rouse_instances',
    help: 'Instances of latent workers that are not gone, by state',
    labelNames: ['worker', 'state'],
    registers,
    collect() {
      this.reset()
      for (const worker of latent()?.workers ?? [])
        for (const state of instanceStates) if (state !== 'gone') this.set({ worker, state }, 0)
      for (const { facts, row } of latent()?.live ?? [])
        if (row.state !== 'gone') this.inc({ worker: facts.worker, state: row.state })
    },
  })
  new Counter({
    name: 'rouse_instance_seconds_total',
    help: 'Seconds that instances with an agent have spent idle and busy',
    labelNames: ['worker', 'activity'],
    registers,
    collect() {
      const now = clock.now()
      const sums = new Map([...spent].map(([worker, sum]) => [worker, { ...sum }]))
      for (const { facts, row } of latent()?.live ?? []) add(sums, facts.worker, row, now)
      this.reset()
      for (const [worker, { busy, idle }] of sums) {
        this.inc({ worker, activity: 'idle' }, idle)
        this.inc({ worker, activity: 'busy' }, busy)
      }
    },
  })
  new Counter({
    name: 'rouse_orphans_stopped_total',
    help: 'Instances with our stamp that no row knew, and that were ended',
    registers,
    collect() {
      this.reset()
      this.inc(latent()?.orphansStopped ?? 0)
    },
  })
  const starts = new Histogram({
    name: 'rouse_instance_start_seconds',
    help: 'Seconds from the request for an instance until its agent was there',
    labelNames: ['worker'],
    buckets: [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
    registers,
  })
  const resets = new Histogram({
    name: 'rouse_instance_reset_seconds',
    help: 'Seconds from the end of a build until its machine was pristine again and its agent was there',
    labelNames: ['worker'],
    buckets: [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
    registers,
  })
  const wakes = new Histogram({
    name: 'rouse_instance_wake_seconds',
    help: 'Seconds from the wish for a parked instance until its agent was there',
    labelNames: ['worker'],
    buckets: [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
    registers,
  })
  const failures = new Counter({
    name: 'rouse_start_failures_total',
    help: 'Starts of instances that came to nothing: CAPACITY, REJECTED or PASSING',
    labelNames: ['worker', 'code'],
    registers,
  })

  return {
    moved: (worker, before, after) => {
      add(spent, worker, before, after.changedAt)
      if (after.state !== 'attached' || before.state === 'busy') return
      // The first reset of one that is sealed is a part of its start.
      const woken = before.state === 'resetting' && before.parkings > 0
      const reset = before.state === 'resetting' && before.builds > 0
      const since = woken || reset ? before.changedAt : after.createdAt
      const histogram = woken ? wakes : reset ? resets : starts
      histogram.observe({ worker }, Math.max(0, after.changedAt - since) / 1000)
    },
    startFailed: (worker, code) => failures.inc({ worker, code }),
  }
}
