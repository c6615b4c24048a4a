import type { ApiCluster, ApiInstance } from '../../web/instance-api.ts'
import type { List } from '../api.ts'
import { changesInstances } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { CostTable } from '../parts/cost-table.tsx'
import { InstanceTable } from '../parts/instance-table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { link } from '../route.ts'

/** `all`: also those that are gone. */
export function InstancesPage({ all }: { all: boolean }) {
  const path = `/instances?limit=100&all=${all}`
  const { data, error, reload } = useResource<List<ApiInstance>>(path, changesInstances)
  const { data: cluster } = useResource<ApiCluster>('/cluster', changesInstances)
  return (
    <>
      <div class="heading">
        <h1 class="grow">Instances</h1>
        {all ? (
          <a href={link('instances')}>Only those that live</a>
        ) : (
          <a href={link('instances', 'all')}>Also those that are gone</a>
        )}
      </div>
      <Trouble error={error} />
      {cluster?.held && <p class="trouble">Every latent worker {cluster.held}.</p>}
      {data && (
        <section>
          <InstanceTable
            instances={data.items}
            reload={reload}
            empty="No instance lives now. One is started when a build needs it."
          />
        </section>
      )}
      <CostTable />
    </>
  )
}
