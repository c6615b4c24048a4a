import type { ApiTrouble } from '../../web/notice-api.ts'
import type { List } from '../api.ts'
import { changesHealth } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { Trouble } from '../parts/trouble.tsx'
import { link } from '../route.ts'
import { ago, useNow } from '../time.ts'

/** What does not work now, and what to do about it. */
export function HealthPage() {
  const { data, error } = useResource<List<ApiTrouble>>('/troubles', changesHealth)
  const now = useNow(false)
  return (
    <>
      <div class="heading">
        <h1 class="grow">Health</h1>
        <a href={link('notices')}>Notices</a>
      </div>
      <Trouble error={error} />
      {data?.items.length === 0 && <p class="empty">Workers, providers and reporters work as they should.</p>}
      {data && data.items.length > 0 && (
        <section>
          <table>
            <thead>
              <tr>
                <th>What</th>
                <th>Name</th>
                <th>Trouble</th>
                <th class="wide">Since</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((trouble) => (
                <tr key={`${trouble.kind} ${trouble.name}`}>
                  <td>
                    <span class="badge failure">{trouble.kind}</span>
                  </td>
                  <td>
                    <TroubleName trouble={trouble} />
                  </td>
                  <td class="grow">
                    {trouble.message}
                    {trouble.advice && <div class="faint">{trouble.advice}</div>}
                  </td>
                  <td class="wide number">{trouble.since && ago(trouble.since, now)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  )
}

function TroubleName({ trouble: { kind, name } }: { trouble: ApiTrouble }) {
  if (kind === 'worker') return <a href={link('workers', name)}>{name}</a>
  if (kind === 'image') return <a href={link('images')}>{name}</a>
  if (kind === 'reporter') return <a href={link('notices', 'waiting')}>{name}</a>
  return <>{name}</>
}
