import type { Engine } from './engine.ts'
import { isConflict, isNotFound } from './engine-error.ts'
import { runtimeFolder } from './paths.ts'
import { completeMarker, type RuntimeContent } from './runtime-content.ts'
import { labels } from './stamps.ts'

/** The volume that holds one content for one cluster. It is filled once per engine, and again should someone have removed it. */
export class RuntimeVolume {
  readonly name: string
  readonly #engine: Engine
  readonly #cluster: string
  readonly #content: RuntimeContent

  constructor(engine: Engine, cluster: string, content: RuntimeContent) {
    this.#engine = engine
    this.#cluster = cluster
    this.#content = content
    this.name = `rouse-runtime-${content.hash.slice(0, 24)}-${cluster.replace(/[^a-zA-Z0-9_.-]/g, '_').slice(0, 64)}`
  }

  /** Where an image has the loader for our Node.js. */
  get loader(): string {
    return this.#content.loader
  }

  /** How containers mount it. Nothing of an image may get into it, should that have such a folder itself. */
  mount({ readOnly = true } = {}): object {
    return {
      Type: 'volume',
      Source: this.name,
      Target: runtimeFolder,
      ReadOnly: readOnly,
      VolumeOptions: { NoCopy: true, Labels: this.#stamp() },
    }
  }

  /** Fills it through a container of the image that is never started. */
  async fill(image: string, signal: AbortSignal): Promise<void> {
    const what = `cannot fill volume ${this.name}`
    await this.#engine.call(what, signal, (docker) =>
      docker.createVolume({ Name: this.name, Labels: this.#stamp(), abortSignal: signal }),
    )
    const config = {
      Image: image,
      Entrypoint: ['/bin/sh'],
      Labels: { [labels.cluster]: this.#cluster, [labels.helper]: 'filler' },
      HostConfig: { NetworkMode: 'none', Mounts: [this.mount({ readOnly: false })] },
    }
    const container = await this.#engine.create(what, undefined, config, signal)
    try {
      if (await this.isComplete(container, signal)) return
      await this.#engine.put(what, container, this.#content.tar(), signal)
    } finally {
      await this.#engine.removeHelper(container)
    }
  }

  /** Whether a container that mounts it finds everything there. */
  async isComplete(container: string, signal: AbortSignal): Promise<boolean> {
    return await this.#engine.hasPath(container, completeMarker, signal)
  }

  /** Removes those of the cluster with another content, unless a container still uses them. */
  async sweepOthers(signal: AbortSignal): Promise<void> {
    const filters = { label: [`${labels.cluster}=${this.#cluster}`, labels.runtime] }
    const what = 'cannot list volumes'
    const { Volumes } = await this.#engine.call(what, signal, (docker) =>
      docker.listVolumes({ filters: JSON.stringify(filters), abortSignal: signal }),
    )
    for (const { Name } of Volumes ?? []) {
      if (Name === this.name) continue
      await this.#engine
        .call(`cannot remove volume ${Name}`, signal, (docker) =>
          docker.getVolume(Name).remove({ abortSignal: signal }),
        )
        .catch((error: unknown) => {
          if (!isConflict(error) && !isNotFound(error)) throw error
        })
    }
  }

  #stamp(): Record<string, string> {
    return { [labels.cluster]: this.#cluster, [labels.runtime]: this.#content.hash }
  }
}
