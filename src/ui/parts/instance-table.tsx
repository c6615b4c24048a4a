import { useEffect } from 'preact/hooks'
import type { ApiInstance } from '../../web/instance-api.ts'
import { money } from '../money.ts'
import { link } from '../route.ts'
import { duration, useNow } from '../time.ts'

interface InstanceTableProps {
  readonly instances: readonly ApiInstance[]
  readonly empty: string
  /** What each says of itself has times in it that go by. */
  readonly reload: () => void
}

export function InstanceTable({ empty, instances, reload }: InstanceTableProps) {
  const lives = instances.some(({ state }) => state !== 'gone')
  const now = useNow(lives)
  useEffect(() => {
    if (!lives) return
    const timer = setInterval(reload, againEvery)
    return () => clearInterval(timer)
  }, [lives, reload])
  if (instances.length === 0) return <p class="empty">{empty}</p>
  const priced = instances.some(({ cost }) => cost !== null)
  return (
    <table class="instances">
      <thead>
        <tr>
          <th>Instance</th>
          <th>State</th>
          <th>Why</th>
          <th class="wide">Attempt</th>
          <th class="wide">Builds</th>
          {priced && <th class="wide">Cost</th>}
          <th>Age</th>
        </tr>
      </thead>
      <tbody>
        {instances.map((instance) => (
          <tr key={instance.id}>
            <td title={`${instance.id}\n${instance.backend} ${instance.ref ?? ''}`}>
              <a href={link('workers', instance.worker)}>{instance.name}</a>
            </td>
            <td>
              <span class={`badge ${tones[instance.state]}`}>{words[instance.state]}</span>
            </td>
            <td class="grow">{instance.why}</td>
            <td class="wide number">{instance.attempt}</td>
            <td class="wide number">{instance.builds}</td>
            {priced && <td class="wide number">{instance.cost === null ? '' : money(instance.cost)}</td>}
            <td class="number">
              {duration(instance.createdAt, instance.state === 'gone' ? instance.changedAt : now)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Milliseconds. */
const againEvery = 10_000

const words: Readonly<Record<ApiInstance['state'], string>> = {
  requested: 'requested',
  starting: 'starting',
  sealing: 'sealing',
  attached: 'idle',
  busy: 'busy',
  resetting: 'resetting',
  parking: 'parking',
  parked: 'parked',
  stopping: 'stopping',
  gone: 'gone',
}
const tones: Readonly<Record<ApiInstance['state'], string>> = {
  requested: 'retry',
  starting: 'running',
  sealing: 'running',
  attached: 'success',
  busy: 'running',
  resetting: 'running',
  parking: 'warnings',
  parked: '',
  stopping: 'warnings',
  gone: '',
}
