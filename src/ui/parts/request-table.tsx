import type { ApiRequest } from '../../web/api.ts'
import { post, type List } from '../api.ts'
import { changesLists } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { link } from '../route.ts'
import { ago, useNow } from '../time.ts'
import { Action } from './action.tsx'

/** Requests that wait, and why; nothing when none does. */
export function RequestTable({ filter = '' }: { filter?: string }) {
  const { data, reload } = useResource<List<ApiRequest>>(
    `/requests?state=pending&limit=50${filter}`,
    changesLists,
  )
  const now = useNow((data?.items.length ?? 0) > 0)
  if (!data || data.items.length === 0) return null
  const cancel = async (id: number) => {
    await post(`/requests/${id}/cancel`)
    reload()
  }
  return (
    <section>
      <h2>
        Waiting <span class="count">{data.next ? `${data.items.length}+` : data.items.length}</span>
      </h2>
      <table>
        <tbody>
          {data.items.map((request) => (
            <tr key={request.id}>
              <td class="id">r{request.id}</td>
              <td>
                <a href={link('builders', request.builder)}>{request.builder}</a>
              </td>
              <td class="grow">{request.waitingFor ?? 'is looked at soon'}</td>
              <td class="faint number">{ago(request.submittedAt, now)}</td>
              <td class="actions">
                <Action class="quiet" run={() => cancel(request.id)}>
                  Cancel
                </Action>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
