import type { ApiImage } from '../../web/image-api.ts'
import { post } from '../api.ts'
import { link } from '../route.ts'
import { ago, useNow } from '../time.ts'
import { Action } from './action.tsx'

interface ImageSectionProps {
  readonly name: string
  readonly images: readonly ApiImage[]
  readonly reload: () => void
}

/** All that is there of one name, newest first. */
export function ImageSection({ images, name, reload }: ImageSectionProps) {
  const now = useNow(images.some(({ state }) => state === 'building' || state === 'storing'))
  const ask = (verb: string, body: object) => async () => {
    await post(`/images/${encodeURIComponent(name)}/${verb}`, body)
    reload()
  }
  const isInConfig = images.some(({ wanted }) => wanted)
  const isPinned = images.some(({ pinned }) => pinned)
  return (
    <section>
      <h2 class="with-actions">
        <span class="grow">
          <a href={link('builders', `image:${name}`)}>{name}</a>
          {!isInConfig && <span class="faint"> is not in the config any more</span>}
        </span>
        {isInConfig && isPinned && <Action run={ask('use', { hash: null })}>Use the config's</Action>}
        {isInConfig && <Action run={ask('build', {})}>Build</Action>}
        {isInConfig && <Action run={ask('build', { again: true })}>Build anew</Action>}
      </h2>
      <table class="images">
        <thead>
          <tr>
            <th>Image</th>
            <th>State</th>
            <th>Made of</th>
            <th class="wide">Instances</th>
            <th class="wide">Build</th>
            <th class="wide">Age</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {images.map((image) => (
            <tr key={image.hash}>
              <td class="id" title={image.ref ?? ''}>
                <code>{image.hash ?? '?'}</code>
              </td>
              <td>
                <span class={`badge ${tones[image.state]}`}>{image.state}</span>
              </td>
              <td class="grow">
                {uses(image)}
                <span class="faint">{image.from}</span>
                {image.error && <div class="refused">{image.error}</div>}
              </td>
              <td class="wide number">
                {image.instances > 0 ? <a href={link('instances')}>{image.instances}</a> : '–'}
              </td>
              <td class="wide number">
                {image.buildId === null ? '–' : <a href={link('builds', image.buildId)}>#{image.buildId}</a>}
              </td>
              <td class="wide number">{since(image, now)}</td>
              <td class="actions">
                {image.state === 'ready' && !image.pinned && isInConfig && (
                  <Action run={ask('use', { hash: image.hash })}>
                    {image.inUse ? 'Stay with it' : 'Use'}
                  </Action>
                )}
                {isRemovable(image, isInConfig) && (
                  <Action
                    run={ask('remove', { hash: image.hash })}
                    confirm={`Remove image ${name}@${image.hash}?`}
                  >
                    Remove
                  </Action>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** What has left the config is of no use any more, also what its name stood for. */
function isRemovable({ inUse, instances, pinned, state }: ApiImage, isInConfig: boolean): boolean {
  return state === 'ready' && instances === 0 && !(isInConfig && (inUse || pinned))
}

function uses({ inUse, pinned, wanted }: ApiImage) {
  const words = [inUse && 'in use', pinned && 'chosen by hand', wanted && "the config's"].filter(Boolean)
  return words.length > 0 && <strong>{words.join(', ')} </strong>
}

function since({ createdAt, readyAt }: ApiImage, now: number): string {
  const time = readyAt ?? createdAt
  return time === null ? '' : ago(time, now)
}

const tones: Readonly<Record<ApiImage['state'], string>> = {
  unknown: 'skipped',
  building: 'running',
  storing: 'running',
  ready: 'success',
  failed: 'failure',
  removing: 'warnings',
}
