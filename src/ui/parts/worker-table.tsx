import type { ApiWorker } from '../../web/api.ts'
import type { List } from '../api.ts'
import { changesWorkers } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { link } from '../route.ts'
import { Trouble } from './trouble.tsx'

export function WorkerTable() {
  const { data, error } = useResource<List<ApiWorker>>('/workers', changesWorkers)
  if (!data) return <Trouble error={error} />
  return (
    <table>
      <tbody>
        {data.items.map((worker) => (
          <tr key={worker.name}>
            <td>
              <WorkerDot worker={worker} /> <a href={link('workers', worker.name)}>{worker.name}</a>
            </td>
            <td class="faint">{worker.kind}</td>
            <td class="grow">{worker.status}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export function WorkerDot({ worker }: { worker: ApiWorker }) {
  const state = !worker.connected ? 'away' : worker.runningBuilds.length > 0 ? 'busy' : 'idle'
  const away = worker.kind === 'latent' ? 'asleep: no instance' : 'not connected'
  const words = { away, busy: 'building', idle: 'idle' }
  return <span class={`dot ${state}`} role="img" aria-label={words[state]} title={words[state]} />
}
