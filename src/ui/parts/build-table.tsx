import type { ApiBuild } from '../../web/api.ts'
import type { List } from '../api.ts'
import { changesLists } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { link } from '../route.ts'
import { ago, duration, useNow } from '../time.ts'
import { Badge } from './badge.tsx'
import { Trouble } from './trouble.tsx'

/** The newest builds, live. `filter` is the query of GET /builds. */
export function BuildTable({ filter = '', empty }: { filter?: string; empty: string }) {
  const { data, error } = useResource<List<ApiBuild>>(`/builds?limit=50${filter}`, changesLists)
  const now = useNow(data?.items.some((build) => build.state === 'running') ?? false)
  if (!data) return <Trouble error={error} />
  if (data.items.length === 0) return <p class="empty">{empty}</p>
  return (
    <>
      <Trouble error={error} />
      <table>
        <thead>
          <tr>
            <th>Build</th>
            <th>Result</th>
            <th>Builder</th>
            <th class="wide">Source</th>
            <th class="wide">Worker</th>
            <th class="wide">Reason</th>
            <th>Took</th>
            <th class="wide">Started</th>
          </tr>
        </thead>
        <tbody>
          {data.items.map((build) => (
            <tr key={build.id}>
              <td>
                <a class="id" href={link('builds', build.id)}>
                  #{build.id}
                </a>
              </td>
              <td>
                <Badge result={build.result} />
              </td>
              <td>
                <a href={link('builders', build.builder)}>{build.builder}</a>
              </td>
              <td class="wide">{describeSource(build.source)}</td>
              <td class="wide">
                <a href={link('workers', build.worker)}>{build.instance ?? build.worker}</a>
              </td>
              <td class="wide faint">{build.summary ?? build.reason}</td>
              <td class="number">{duration(build.startedAt, build.finishedAt ?? now)}</td>
              <td class="wide faint number" title={new Date(build.startedAt).toLocaleString()}>
                {ago(build.startedAt, now)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

export function describeSource({ branch, revision }: ApiBuild['source']) {
  if (!branch && !revision) return <span class="faint">default branch</span>
  return (
    <>
      {branch} {revision && <code>{revision.slice(0, 10)}</code>}
    </>
  )
}
