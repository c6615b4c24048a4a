import { useEffect } from 'preact/hooks'
import type { ApiTrouble } from '../web/notice-api.ts'
import type { List } from './api.ts'
import { changesHealth } from './live/changes.ts'
import { Connection, useConnection } from './live/connection.tsx'
import { useResource } from './live/use-resource.ts'
import { BuildPage } from './pages/build-page.tsx'
import { BuilderPage } from './pages/builder-page.tsx'
import { HealthPage } from './pages/health-page.tsx'
import { ImagesPage } from './pages/images-page.tsx'
import { InstancesPage } from './pages/instances-page.tsx'
import { NoticesPage } from './pages/notices-page.tsx'
import { Overview } from './pages/overview.tsx'
import { WorkerPage } from './pages/worker-page.tsx'
import { link, useRoute } from './route.ts'

export function App() {
  return (
    <Connection>
      <Header />
      <main>
        <Page />
      </main>
    </Connection>
  )
}

function Page() {
  const [kind = '', name = ''] = useRoute()
  if (kind === 'builds' && /^\d+$/.test(name)) return <BuildPage key={name} id={Number(name)} />
  if (kind === 'builders' && name) return <BuilderPage key={name} name={name} />
  if (kind === 'workers' && name) return <WorkerPage key={name} name={name} />
  if (kind === 'instances') return <InstancesPage key={name} all={name === 'all'} />
  if (kind === 'images') return <ImagesPage />
  if (kind === 'notices') return <NoticesPage key={name} waiting={name === 'waiting'} />
  if (kind === 'health') return <HealthPage />
  if (kind === '') return <Overview />
  return (
    <p class="empty">
      There is nothing here. <a href="#/">Back to the overview</a>
    </p>
  )
}

/** Seen at once when something needs somebody. */
function HealthLink() {
  const { data } = useResource<List<ApiTrouble>>('/troubles', changesHealth)
  const count = data?.items.length ?? 0
  return (
    <a href={link('health')} class={count > 0 ? 'alarm' : ''}>
      Health{count > 0 && <span class="count">{count}</span>}
    </a>
  )
}

function Header() {
  const { data } = useResource<{ title: string; hasInstances: boolean; hasImages: boolean }>('/master')
  const isConnected = useConnection()
  const title = data?.title ?? 'Rouse'
  useEffect(() => {
    document.title = title
  }, [title])
  return (
    <header class="top">
      <a href="#/" class="brand">
        <img src="./sunrise.svg" alt="" width="26" height="26" />
        {title}
      </a>
      {!isConnected && <span class="offline">No connection to the master. Trying again…</span>}
      <nav>
        {data?.hasInstances && <a href={link('instances')}>Instances</a>}
        {data?.hasImages && <a href={link('images')}>Images</a>}
        <HealthLink />
        <a href="./api/v1/openapi.json">API</a>
      </nav>
    </header>
  )
}
