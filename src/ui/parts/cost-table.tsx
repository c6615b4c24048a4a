import type { ApiCost } from '../../web/instance-api.ts'
import type { List } from '../api.ts'
import { changesInstances } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { money } from '../money.ts'
import { link } from '../route.ts'

/** What instances have cost on the last days; nothing when no worker has a price. */
export function CostTable({ worker }: { worker?: string }) {
  const filter = worker === undefined ? '' : `&worker=${encodeURIComponent(worker)}`
  const { data } = useResource<List<ApiCost>>(`/costs?days=7&limit=1000${filter}`, changesInstances)
  if (!data || data.items.length === 0) return null
  return (
    <section>
      <h2>Cost of the last seven days</h2>
      <table>
        <thead>
          <tr>
            <th>Day (UTC)</th>
            {worker === undefined && <th>Worker</th>}
            <th class="wide">Instances</th>
            <th class="wide">Time</th>
            <th>Cost</th>
          </tr>
        </thead>
        <tbody>
          {data.items.map((cost) => (
            <tr key={`${cost.day} ${cost.worker}`}>
              <td class="number">{cost.day}</td>
              {worker === undefined && (
                <td>
                  <a href={link('workers', cost.worker)}>{cost.worker}</a>
                </td>
              )}
              <td class="wide number">{cost.instances}</td>
              <td class="wide number">{hours(cost.seconds)}</td>
              <td class="number">{money(cost.cost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function hours(seconds: number): string {
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}
