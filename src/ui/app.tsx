import { useEffect } from 'preact/hooks'
import { Connection, useConnection } from './live/connection.tsx'
import { useResource } from './live/use-resource.ts'
import { BuildPage } from './pages/build-page.tsx'
import { BuilderPage } from './pages/builder-page.tsx'
import { InstancesPage } from './pages/instances-page.tsx'
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
  if (kind === '') return <Overview />
  return (
    <p class="empty">
      There is nothing here. <a href="#/">Back to the overview</a>
    </p>
  )
}

function Header() {
  const { data } = useResource<{ title: string; hasInstances: boolean }>('/master')
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
        <a href="./api/v1/openapi.json">API</a>
      </nav>
    </header>
  )
}
