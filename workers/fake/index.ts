import type { ResetWay } from '../../src/latent/instance-event.ts'
import type { ImageUse } from '../../src/latent/images/image-use.ts'
import { isImageReference, type ImageReference } from '../../src/model/image.ts'
import type { LatentDescription, LatentOptions } from '../../src/latent/latent-worker.ts'
import type { PropertyReader } from '../../src/model/properties.ts'
import { FakeBackend } from './fake-backend.ts'
import { FakeClient } from './fake-client.ts'
import { FakeCloud } from './fake-cloud.ts'
import type { FakeTemplate } from './fake-machine.ts'

export type { FakeCloudOptions } from './fake-cloud.ts'
export type { FakeCall, FakeFault, FakeOperation } from './fake-fault.ts'
export type { FakeMachine, FakeTemplate } from './fake-machine.ts'
export { FakeCloud }

export interface FakeWorkerOptions extends LatentOptions {
  /** A provider in this process. */
  readonly cloud?: FakeCloud
  /** One that another process serves, see serve-fake-cloud.ts. */
  readonly url?: string
  /** Seconds; only beside `url`. Default 0. */
  readonly listLag?: number
  /** How machines are made pristine after a build. */
  readonly reset?: ResetWay
  /** What becomes of idle machines. Default 'terminate'. */
  readonly idle?: 'terminate' | 'stop'
  /** An image() that its machines are made of. */
  readonly image?: ImageReference
  /** Default: an empty one. */
  readonly template?: FakeTemplate | ((properties: PropertyReader) => FakeTemplate | Promise<FakeTemplate>)
}

/** A worker whose instances cost nothing, because there are none: for tests, and to be read by those who write a backend. */
export function fakeWorker<Options extends FakeWorkerOptions>(name: string, options: Options) {
  const { cloud, idle, image, listLag = 0, template = {}, url, ...common } = options as FakeWorkerOptions
  const description: LatentDescription<FakeTemplate> = {
    backend: {
      kind: 'fake',
      key: url === undefined ? `fake ${cloud ? nameOf(cloud) : 'nowhere'}` : `fake ${url}`,
      open: ({ cluster }) => {
        const api = url === undefined ? cloud : new FakeClient(url, listLag)
        if (!api) throw new Error('a fake worker needs a cloud or a url')
        return new FakeBackend(api, cluster)
      },
    },
    template,
    ...(idle === 'stop' && { park: true }),
    ...(isImageReference(image) && { image: useOf(image.name) }),
    mistakes: (cloud === undefined) === (url === undefined) ? ['give it either a cloud or a url'] : [],
  }
  type Common = Omit<Options, 'cloud' | 'idle' | 'image' | 'listLag' | 'template' | 'url'>
  return Object.freeze({ ...(common as Common), ...description, kind: 'latent' as const, name })
}

function useOf(name: string): ImageUse<FakeTemplate> {
  return {
    name,
    machine: ({ from }) => ({ image: from }),
    using: (template, image) => ({ ...template, image }),
  }
}

// Workers whose factories have the same key share one backend.
function nameOf(cloud: FakeCloud): string {
  const known = names.get(cloud) ?? `cloud ${++named}`
  names.set(cloud, known)
  return known
}

const names = new WeakMap<FakeCloud, string>()
let named = 0
