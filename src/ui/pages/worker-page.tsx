import type { ApiWorker } from '../../web/api.ts'
import { changesWorkers } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { BuildTable } from '../parts/build-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { WorkerDot } from '../parts/worker-table.tsx'

export function WorkerPage({ name }: { name: string }) {
  const { data, error } = useResource<ApiWorker>(`/workers/${encodeURIComponent(name)}`, changesWorkers)
  return (
    <>
      <div class="heading">
        <h1>
          {data && <WorkerDot worker={data} />} {name}
        </h1>
        <span class="faint">{data?.status}</span>
      </div>
      <Trouble error={error} />
      {data && <Facts facts={describe(data)} />}
      <section>
        <h2>Builds</h2>
        <BuildTable
          filter={`&worker=${encodeURIComponent(name)}`}
          empty="This worker has not built anything yet."
        />
      </section>
    </>
  )
}

function describe({ kind, address, version, maxBuilds, connectedAt, facts, properties }: ApiWorker) {
  const machine = (facts ?? {}) as Record<string, unknown>
  const values: Record<string, string | null> = {
    kind,
    address,
    'builds at once': String(maxBuilds),
    'connected since': connectedAt && new Date(connectedAt).toLocaleString(),
    agent: version,
    system: machine.os ? `${String(machine.os)} ${String(machine.arch)}` : null,
    processors: machine.cpus ? String(machine.cpus) : null,
    memory: machine.memory ? `${(Number(machine.memory) / 2 ** 30).toFixed(1)} GiB` : null,
    host: machine.hostname ? String(machine.hostname) : null,
  }
  for (const [name, value] of Object.entries(properties)) values[name] = JSON.stringify(value)
  return values
}
