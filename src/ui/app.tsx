import { useEffect } from 'preact/hooks'
import { Connection, useConnection } from './live/connection.tsx'
import { useResource } from './live/use-resource.ts'
import { BuildPage } from './pages/build-page.tsx'
import { BuilderPage } from './pages/builder-page.tsx'
import { Overview } from './pages/overview.tsx'
import { WorkerPage } from './pages/worker-page.tsx'
import { useRoute } from './route.ts'

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
  if (kind === '') return <Overview />
  return (
    <p class="empty">
      There is nothing here. <a href="#/">Back to the overview</a>
    </p>
  )
}

function Header() {
  const { data } = useResource<{ title: string }>('/master')
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
        <a href="./api/v1/openapi.json">API</a>
      </nav>
    </header>
  )
}
