import type { ApiArtifact } from '../../web/api.ts'
import type { List } from '../api.ts'
import type { LiveEvent } from '../live/event-stream.ts'
import { useResource } from '../live/use-resource.ts'

/** What the build has stored, to be downloaded; nothing while there is nothing. */
export function ArtifactList({ build, changes }: { build: number; changes: (event: LiveEvent) => boolean }) {
  const { data } = useResource<List<ApiArtifact>>(`/builds/${build}/artifacts`, changes)
  if (!data || data.items.length === 0) return null
  return (
    <section class="artifacts">
      <h2>
        Artifacts <span class="count">{data.items.length}</span>
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
              <td class="faint">{artifact.step}</td>
              <td class="faint number">{artifact.size.toLocaleString()} bytes</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
