import type { ApiBuilder } from '../../web/api.ts'
import { useResource } from '../live/use-resource.ts'
import { BuildTable } from '../parts/build-table.tsx'
import { ForceButton } from '../parts/force-dialog.tsx'
import { RequestTable } from '../parts/request-table.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { link } from '../route.ts'

export function BuilderPage({ name }: { name: string }) {
  const { data, error } = useResource<ApiBuilder>(`/builders/${encodeURIComponent(name)}`)
  const filter = `&builder=${encodeURIComponent(name)}`
  return (
    <>
      <div class="heading">
        <h1>{name}</h1>
        <span class="grow" />
        {data && <ForceButton builder={name} />}
      </div>
      <Trouble error={error} />
      {data?.description && <p>{data.description}</p>}
      {data && (
        <p class="faint">
          Runs on{' '}
          {data.workers.map((worker, i) => (
            <span key={worker}>
              {i > 0 && ', '}
              <a href={link('workers', worker)}>{worker}</a>
            </span>
          ))}
        </p>
      )}
      <RequestTable filter={filter} />
      <section>
        <h2>Builds</h2>
        <BuildTable filter={filter} empty="This builder has not built anything yet." />
      </section>
    </>
  )
}
