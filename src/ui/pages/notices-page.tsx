import type { ApiNotice } from '../../web/notice-api.ts'
import type { List } from '../api.ts'
import { changesNotices } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { NoticeTable } from '../parts/notice-table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { link } from '../route.ts'

/** Who is told what. `waiting`: only what has not arrived yet. */
export function NoticesPage({ waiting }: { waiting: boolean }) {
  const path = `/notices?limit=100${waiting ? '&state=waiting' : ''}`
  const { data, error, reload } = useResource<List<ApiNotice>>(path, changesNotices)
  return (
    <>
      <div class="heading">
        <h1 class="grow">Notices</h1>
        {waiting ? (
          <a href={link('notices')}>All of the last 30 days</a>
        ) : (
          <a href={link('notices', 'waiting')}>Only those that wait</a>
        )}
      </div>
      <Trouble error={error} />
      {data && (
        <section>
          <NoticeTable
            notices={data.items}
            reload={reload}
            empty={waiting ? 'Nothing waits to be sent.' : 'Nobody has been told of anything yet.'}
          />
        </section>
      )}
    </>
  )
}
