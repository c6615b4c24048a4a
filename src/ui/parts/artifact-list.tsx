import type { ApiArtifact } from '../../web/api.ts'
import type { List } from '../api.ts'
import type { LiveEvent } from '../live/event-stream.ts'
import { useResource } from '../live/use-resource.ts'
import { size } from '../size.ts'
import { ago, useNow } from '../time.ts'

/** What the build has stored, to be downloaded; nothing while there is nothing. */
export function ArtifactList({ build, changes }: { build: number; changes: (event: LiveEvent) => boolean }) {
  const { data } = useResource<List<ApiArtifact>>(`/builds/${build}/artifacts?limit=1000`, changes)
  const now = useNow(false)
  if (!data || data.items.length === 0) return null
  return (
    <section class="artifacts">
      <h2>
        Artifacts <span class="count">{data.items.length + (data.next === null ? '' : '+')}</span>
      </h2>
      <table>
        <tbody>
          {data.items.map((artifact) => (
            <tr key={artifact.id}>
              <td class="grow">
                <a href={`./api/v1/artifacts/${artifact.id}`} download title={`sha256 ${artifact.sha256}`}>
                  {artifact.name}
                </a>
              </td>
              <td class="wide faint">{artifact.step}</td>
              <td class="wide number faint" title={new Date(artifact.createdAt).toLocaleString()}>
                {ago(artifact.createdAt, now)}
              </td>
              <td class="number size" title={`${artifact.size.toLocaleString()} bytes`}>
                {size(artifact.size)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
