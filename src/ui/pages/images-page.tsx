import { useEffect } from 'preact/hooks'
import type { ApiImage } from '../../web/image-api.ts'
import type { List } from '../api.ts'
import { changesInstances } from '../live/changes.ts'
import { useResource } from '../live/use-resource.ts'
import { ImageSection } from '../parts/image-section.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { link } from '../route.ts'

/** Images that are provisioned once, and what new instances are made of. */
export function ImagesPage() {
  const { data, error, reload } = useResource<List<ApiImage>>('/images?limit=1000', changesInstances)
  // Storing, removing and choosing an image are no events.
  useEffect(() => {
    const timer = setInterval(reload, againEvery)
    return () => clearInterval(timer)
  }, [reload])
  const names = [...new Set(data?.items.map(({ name }) => name))].toSorted()
  return (
    <>
      <div class="heading">
        <h1 class="grow">Images</h1>
        <a href={link('instances')}>Instances</a>
      </div>
      <Trouble error={error} />
      {data && names.length === 0 && (
        <p class="empty">The config has no image() that a worker uses, and none is kept.</p>
      )}
      {names.map((name) => (
        <ImageSection
          key={name}
          name={name}
          images={data!.items.filter((image) => image.name === name)}
          reload={reload}
        />
      ))}
    </>
  )
}

/** Milliseconds. */
const againEvery = 5000
