import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Builds } from './builds/builds.ts'
import type { Fleet } from './fleet/fleet.ts'
import { instanceMetrics } from './instance-metrics.ts'
import type { InstanceObserver } from './latent/instance-observer.ts'
import type { Latent } from './latent/latent.ts'
import type { EventSource } from './model/events.ts'
import { results } from './model/results.ts'
import type { Clock } from './util/clock.ts'

interface Parts {
  readonly builds: Builds
  readonly fleet: Fleet
  readonly latent: Latent
}

/** What this master tells Prometheus. Counters begin with the process. */
export class Metrics {
  readonly instances: InstanceObserver
  readonly #registry = new Registry()
  #parts: Parts | undefined

  constructor({ clock, events }: { clock: Clock; events: EventSource }) {
    const registry = this.#registry
    this.instances = instanceMetrics({ clock, registry, latent: () => this.#parts?.latent })
    this.#gauges()
    this.#count(events)
    collectDefaultMetrics({ register: registry })
  }

  /** The parts that are asked at each scrape, once they are open. */
  watch(parts: Parts): void {
    this.#parts = parts
  }

  async text(): Promise<{ type: string; text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  #gauges(): void {
    const registers = [this.#registry]
    const parts = () => this.#parts
    new Gauge({
      name: 'rouse_requests_pending',
      help: 'Requests that wait for a build',
      registers,
      collect() {
        this.set(parts()?.builds.pendingCount ?? 0)
      },
    })
    new Gauge({
      name: 'rouse_builds_running',
      help: 'Builds that run',
      registers,
      collect() {
        this.set(workersOf(parts()).reduce((sum, { runningBuilds }) => sum + runningBuilds.length, 0))
      },
    })
    new Gauge({
      name: 'rouse_workers_connected',
      help: 'Workers and instances of latent workers whose agent is connected, by kind',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const kind of ['static', 'local', 'latent'] as const)
          this.set(
            { kind },
            workersOf(parts()).filter(({ session, spec }) => session?.welcomed && spec.kind === kind).length,
          )
      },
    })
    new Gauge({
      name: 'rouse_sessions',
      help: 'Connections of agents that have said hello, also those that are not welcomed yet',
      registers,
      collect() {
        this.set(workersOf(parts()).filter(({ session }) => session !== undefined).length)
      },
    })
  }

  #count(events: EventSource): void {
    const registers = [this.#registry]
    const builds = new Counter({
      name: 'rouse_builds_total',
      help: 'Builds that have ended, by result',
      labelNames: ['result'],
      registers,
    })
    for (const result of results) builds.inc({ result }, 0)
    const sessions = new Counter({
      name: 'rouse_sessions_total',
      help: 'Connections of agents that were welcomed',
      registers,
    })
    // Lives as long as the events themselves.
    events.subscribe((event) => {
      if (event.type === 'build.finished') builds.inc({ result: event.result })
      if (event.type === 'worker.connected') sessions.inc()
    })
  }
}

function workersOf(parts: Parts | undefined) {
  return parts?.fleet.roster.all() ?? []
}
