import type { ApiWorker } from '../../web/api.ts'
import { changesWorkers } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { BuildTable } from '../parts/build-table.tsx'
import { Facts, showValue } from '../parts/facts.tsx'
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

/** What an agent says of its machine. */
interface Machine {
  readonly os?: string
  readonly arch?: string
  readonly cpus?: number
  readonly memory?: number
  readonly hostname?: string
}

function describe({ kind, address, version, maxBuilds, connectedAt, facts, properties }: ApiWorker) {
  const { os, arch, cpus, memory, hostname } = (facts ?? {}) as Machine
  const values: Record<string, string | number | null | undefined> = {
    kind,
    address,
    'builds at once': maxBuilds,
    'connected since': connectedAt && new Date(connectedAt).toLocaleString(),
    agent: version,
    system: os && `${os} ${arch}`,
    processors: cpus,
    memory: memory && `${(memory / 2 ** 30).toFixed(1)} GiB`,
    host: hostname,
  }
  for (const [name, value] of Object.entries(properties)) values[name] = showValue(value)
  return values
}
