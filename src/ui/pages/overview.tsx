import type { ApiBuilder } from '../../web/api.ts'
import type { List } from '../api.ts'
import { changesLists } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { Badge } from '../parts/badge.tsx'
import { BuildTable } from '../parts/build-table.tsx'
import { ForceButton } from '../parts/force-dialog.tsx'
import { RequestTable } from '../parts/request-table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { WorkerTable } from '../parts/worker-table.tsx'
import { link } from '../route.ts'

export function Overview() {
  return (
    <>
      <div class="columns">
        <section>
          <h2>Builders</h2>
          <BuilderTable />
        </section>
        <section>
          <h2>Workers</h2>
          <WorkerTable />
        </section>
      </div>
      <RequestTable />
      <section>
        <h2>Builds</h2>
        <BuildTable empty="Nothing has been built yet. Force a builder to see its first build here." />
      </section>
    </>
  )
}

function BuilderTable() {
  const { data, error } = useResource<List<ApiBuilder>>('/builders', changesLists)
  if (!data) return <Trouble error={error} />
  return (
    <table>
      <tbody>
        {data.items.map(({ name, description, lastBuild, pendingRequests }) => (
          <tr key={name}>
            <td class="grow">
              <a href={link('builders', name)}>{name}</a>
              {description && <div class="faint">{description}</div>}
            </td>
            <td class="faint number">{pendingRequests > 0 && `${pendingRequests} waiting`}</td>
            <td>
              {lastBuild && (
                <a href={link('builds', lastBuild.id)} class="plain">
                  <Badge result={lastBuild.result} />
                </a>
              )}
            </td>
            <td class="actions">
              <ForceButton builder={name} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
