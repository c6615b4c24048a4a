import type Docker from 'dockerode'
import type { AgentDelivery } from '../../src/latent/agent-delivery.ts'
import type { BackendContext } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { DockerTemplate } from './docker-options.ts'
import type { Engine } from './engine.ts'
import { ensureImage } from './ensure-image.ts'
import { OnceAtATime } from './once-at-a-time.ts'
import { probeImage, type ImageFacts } from './probe-image.ts'
import { runtimeContent } from './runtime-content.ts'
import { RuntimeVolume } from './runtime-volume.ts'

/** An image that instances can be made of. */
export interface PreparedImage {
  readonly id: string
  /** How people call it. */
  readonly name: string
  /** Names of its own environment variables. */
  readonly env: readonly string[]
  readonly facts: ImageFacts
  readonly runtime: RuntimeVolume
}

/** Gets images and finds out, once for each, how the agent runs in them. */
export class Images {
  readonly #engine: Engine
  readonly #context: BackendContext
  readonly #pulls = new OnceAtATime<Docker.ImageInspectInfo>()
  readonly #probes = new OnceAtATime<ImageFacts>()
  readonly #facts = new Map<string, ImageFacts | BackendError>()
  #runtime: { readonly sha256: string; readonly volume: Promise<RuntimeVolume> } | undefined

  constructor(engine: Engine, context: BackendContext) {
    this.#engine = engine
    this.#context = context
  }

  /** Throws BackendError REJECTED when the image does not exist, or the agent cannot run in it. */
  async prepare(agent: AgentDelivery, template: DockerTemplate, signal: AbortSignal): Promise<PreparedImage> {
    const { auth, build, image, pull, user } = template
    const found = await this.#pulls.run(JSON.stringify([image, build, pull, auth]), signal, () =>
      ensureImage(this.#engine, template, this.#context, signal),
    )
    if (found.Os !== 'linux')
      throw new BackendError('REJECTED', `image ${image} is for ${found.Os}; the agent needs one for linux`)
    const name = image ?? `built from ${build?.context}`
    const runtime = await this.#runtimeFor(agent)
    const facts = await this.#factsOf(found.Id, name, user, runtime, signal)
    const env = (found.Config.Env ?? []).map((entry) => entry.slice(0, entry.indexOf('=')))
    return { id: found.Id, name, env, facts, runtime }
  }

  /** Removes volumes with older agents. */
  async sweep(signal: AbortSignal): Promise<void> {
    await (await this.#runtime?.volume)?.sweepOthers(signal)
  }

  async #factsOf(
    id: string,
    name: string,
    user: string | undefined,
    runtime: RuntimeVolume,
    signal: AbortSignal,
  ): Promise<ImageFacts> {
    const key = JSON.stringify([id, user, runtime.name])
    const known = this.#facts.get(key)
    if (known instanceof BackendError) throw known
    if (known) return known
    return await this.#probes.run(key, signal, async () => {
      await runtime.fill(id, signal)
      const probe = { image: id, name, user, cluster: this.#context.cluster, runtime }
      try {
        const facts = await probeImage(this.#engine, probe, signal)
        this.#remember(key, facts)
        return facts
      } catch (error) {
        // An image does not change under its id.
        if (error instanceof BackendError && error.code === 'REJECTED') this.#remember(key, error)
        throw error
      }
    })
  }

  #remember(key: string, facts: ImageFacts | BackendError): void {
    const [oldest] = this.#facts.keys()
    if (this.#facts.size >= mostFacts && oldest !== undefined) this.#facts.delete(oldest)
    this.#facts.set(key, facts)
  }

  #runtimeFor(agent: AgentDelivery): Promise<RuntimeVolume> {
    if (this.#runtime?.sha256 === agent.sha256) return this.#runtime.volume
    const volume = runtimeContent(agent).then(
      (content) => new RuntimeVolume(this.#engine, this.#context.cluster, content),
    )
    const runtime = { sha256: agent.sha256, volume }
    this.#runtime = runtime
    // A file that could not be read may be there the next time.
    volume.catch(() => {
      if (this.#runtime === runtime) this.#runtime = undefined
    })
    return volume
  }
}

const mostFacts = 1000
