import type { ApiNotice } from '../../web/notice-api.ts'
import { post } from '../api.ts'
import { ago, useNow } from '../time.ts'
import { Action } from './action.tsx'

interface NoticeTableProps {
  readonly notices: readonly ApiNotice[]
  readonly empty: string
  readonly reload: () => void
}

export function NoticeTable({ empty, notices, reload }: NoticeTableProps) {
  const now = useNow(notices.some(({ endedAt }) => endedAt === null))
  if (notices.length === 0) return <p class="empty">{empty}</p>
  const retry = (id: number) => async () => {
    await post(`/notices/${id}/retry`)
    reload()
  }
  return (
    <table>
      <thead>
        <tr>
          <th>State</th>
          <th>Notice</th>
          <th class="wide">To</th>
          <th class="wide">When</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {notices.map((notice) => (
          <tr key={notice.id}>
            <td>
              <span class={`badge ${tones[notice.state]}`}>{notice.state}</span>
            </td>
            <td class="grow">
              {notice.subject ?? notice.event}
              {notice.error && (
                <div class="faint">
                  {notice.error} {notice.advice} {nextTry(notice, now)}
                </div>
              )}
            </td>
            <td class="wide">
              {notice.target} <span class="faint">by {notice.reporter}</span>
            </td>
            <td class="wide number">{ago(notice.createdAt, now)}</td>
            <td class="actions">
              {notice.state !== 'sent' && <Action run={retry(notice.id)}>Try again</Action>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function nextTry({ attempts, nextAttemptAt }: ApiNotice, now: number): string {
  if (nextAttemptAt === null) return ''
  const seconds = Math.max(0, Math.round((Date.parse(nextAttemptAt) - now) / 1000))
  return `Try ${attempts + 1} in ${seconds} s.`
}

const tones: Readonly<Record<ApiNotice['state'], string>> = {
  new: '',
  waiting: 'retry',
  sent: 'success',
  failed: 'failure',
  dropped: 'skipped',
}
