import type { ApiWorker } from '../../web/api.ts'
import { post } from '../api.ts'
import { changesWorkers } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { Action } from '../parts/action.tsx'
import { BuildTable } from '../parts/build-table.tsx'
import { CostTable } from '../parts/cost-table.tsx'
import { InstanceTable } from '../parts/instance-table.tsx'
import { Facts, showValue } from '../parts/facts.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { WorkerDot } from '../parts/worker-table.tsx'

export function WorkerPage({ name }: { name: string }) {
  const path = `/workers/${encodeURIComponent(name)}`
  const { data, error, reload } = useResource<ApiWorker>(path, changesWorkers)
  const change = (action: string) => async () => {
    await post(`${path}/${action}`)
    reload()
  }
  return (
    <>
      <div class="heading">
        <h1>
          {data && <WorkerDot worker={data} />} {name}
        </h1>
        <span class="faint grow">{data?.status}</span>
        {data?.adminState === 'active' && <Action run={change('pause')}>Pause</Action>}
        {data?.adminState === 'active' && <Action run={change('drain')}>Drain</Action>}
        {data && data.adminState !== 'active' && <Action run={change('resume')}>Resume</Action>}
      </div>
      <Trouble error={error} />
      {data && <Facts facts={describe(data)} />}
      {data?.kind === 'latent' && (
        <section>
          <h2>
            Instances <span class="count">{data.instances.length}</span>
          </h2>
          <InstanceTable
            instances={data.instances}
            reload={reload}
            empty="None lives now. One is started when a build needs it."
          />
        </section>
      )}
      {data?.kind === 'latent' && <CostTable worker={name} />}
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

function describe(worker: ApiWorker) {
  const { kind, address, version, maxBuilds, connected, connectedAt, lastSeenAt, facts, properties } = worker
  const { missingSince } = worker
  const { os, arch, cpus, memory, hostname } = (facts ?? {}) as Machine
  const values: Record<string, string | number | null | undefined> = {
    kind,
    address,
    [kind === 'latent' ? 'builds at once on an instance' : 'builds at once']: maxBuilds,
    'connected since': connectedAt && new Date(connectedAt).toLocaleString(),
    'missing since': missingSince && new Date(missingSince).toLocaleString(),
    'last seen': connected ? 'now' : lastSeenAt && new Date(lastSeenAt).toLocaleString(),
    agent: version,
    system: os && `${os} ${arch}`,
    processors: cpus,
    memory: memory && `${(memory / 2 ** 30).toFixed(1)} GiB`,
    host: hostname,
  }
  for (const [name, value] of Object.entries(properties)) values[name] = showValue(value)
  return values
}
