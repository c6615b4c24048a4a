import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type {
  BackendContext,
  CallOptions,
  Instance,
  InstanceId,
  InstanceSpec,
  WorkerBackend,
} from '../../src/latent/backend.ts'
import type { BackendImages } from '../../src/latent/images/backend-images.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { Leftovers } from '../../src/util/leftovers.ts'
import { agentFiles } from './agent-files.ts'
import { containerConfig, ownNetwork } from './container-config.ts'
import { isLocalHost, openDockerHost, type DockerOption } from './docker-host.ts'
import type { DockerTemplate } from './docker-options.ts'
import { Engine } from './engine.ts'
import { isConflict, isNotFound } from './engine-error.ts'
import { failureDetail } from './failure-detail.ts'
import { keptImages } from './kept-images.ts'
import { Images, type PreparedImage } from './images.ts'
import { rejectedStart } from './rejected-start.ts'
import { labels, stampOf } from './stamps.ts'
import { findNetworks, removeContainer, removeNetworks } from './remove-made.ts'
import { sweepEngine } from './sweep-engine.ts'
import { tarStream } from './tar.ts'
import { templateMistakes } from './template-mistakes.ts'

/** Instances are containers; a container's name is its instance's id. */
export class DockerBackend implements WorkerBackend<DockerTemplate> {
  // A call that was given up may still be carried out.
  readonly listLag = 5
  readonly images: BackendImages
  readonly #context: BackendContext
  readonly #engine: Engine
  readonly #images: Images
  readonly #leftovers = new Leftovers()
  readonly #local: boolean
  // A container that has ended does not change any more.
  readonly #details = new Map<string, string>()

  static async open(option: DockerOption, context: BackendContext): Promise<DockerBackend> {
    const host = openDockerHost(option, context.configDir)
    return new DockerBackend(context, await Engine.open(host), isLocalHost(host))
  }

  private constructor(context: BackendContext, engine: Engine, local: boolean) {
    this.#context = context
    this.#engine = engine
    this.#images = new Images(engine, context)
    this.#local = local
    this.images = keptImages(engine, context)
  }

  async start(spec: InstanceSpec<DockerTemplate>, { signal }: CallOptions): Promise<Instance> {
    this.#check(spec)
    const { cluster } = this.#context
    // Of a start that was cut short, perhaps by the end of its master; it keeps the image that it was made from.
    const half = await this.#find(spec.id, signal)
    if (half && half.State.Status !== 'created') return await this.#adopt(half, spec, signal)
    const template = half
      ? { ...withoutImage(spec.template), image: half.Image, pull: 'never' as const }
      : spec.template
    const image = await this.#images.prepare(spec.agent, template, signal)
    try {
      const ref = half?.Id ?? (await this.#create(spec, image, signal))
      if (!(await image.runtime.isComplete(ref, signal))) await image.runtime.fill(image.id, signal)
      const env = [...image.env, ...Object.keys(spec.template.env ?? {})]
      const files = tarStream(agentFiles(spec, image.facts, env))
      const what = `cannot start ${spec.name}`
      await this.#engine.put(what, ref, files, signal)
      await this.#engine.call(what, signal, (docker) =>
        docker.getContainer(ref).start({ abortSignal: signal }),
      )
      return { id: spec.id, cluster, worker: spec.worker, ref, state: 'starting' }
    } catch (error) {
      throw rejectedStart(error, image.name) ?? error
    }
  }

  async stop(id: InstanceId, { signal }: CallOptions): Promise<void> {
    const bearer = [`${labels.instance}=${id}`, `${labels.cluster}=${this.#context.cluster}`]
    for (const { Id } of await this.#containers(bearer, signal))
      await removeContainer(this.#engine, Id, signal)
    await removeNetworks(this.#engine, await findNetworks(this.#engine, bearer, signal), signal)
  }

  async list({ signal }: CallOptions): Promise<readonly Instance[]> {
    const containers = await this.#containers([labels.instance], signal)
    const present = new Set(containers.map(({ Id }) => Id))
    for (const id of this.#details.keys()) if (!present.has(id)) this.#details.delete(id)
    const instances: Instance[] = []
    for (const container of containers) {
      const state = states[container.State] ?? 'running'
      const { Id, Labels } = container
      const detail =
        state === 'failed'
          ? await this.#detailOf(Id, signal)
          : `image ${Labels[labels.image]}, ${container.Status}`
      // It was removed meanwhile, or is a helper's whose image was once an instance.
      if (detail === undefined || !Labels[labels.instance]) continue
      instances.push({
        id: Labels[labels.instance] ?? '',
        cluster: Labels[labels.cluster] ?? '',
        worker: Labels[labels.worker] ?? '',
        ref: Id,
        state,
        detail,
      })
    }
    return instances
  }

  async sweep(known: ReadonlySet<InstanceId>, { signal }: CallOptions): Promise<void> {
    const list = async () =>
      (await this.#containers([labels.instance], signal)).map((c) => ({
        id: c.Labels[labels.instance] ?? '',
      }))
    const made = { known, leftovers: this.#leftovers, list }
    await sweepEngine(this.#engine, this.#context.cluster, made, signal)
    await this.#images.sweep(signal)
  }

  async close(): Promise<void> {
    this.#engine.close()
  }

  #check(spec: InstanceSpec<DockerTemplate>): void {
    const mistakes = templateMistakes({ ...spec.template })
    if (mistakes.length > 0) throw new BackendError('REJECTED', mistakes.join('; '))
    if (!this.#local && spec.agent.masters.some((url) => url.startsWith('unix:')))
      throw new BackendError(
        'REJECTED',
        `agentUrl: a socket of the master is only there for a Docker Engine on its machine, not for ${this.#engine.host}`,
      )
  }

  /** The container with the instance's name. */
  async #find(id: InstanceId, signal: AbortSignal): Promise<Docker.ContainerInspectInfo | undefined> {
    const container = await this.#engine
      .call(`cannot look at container ${id}`, signal, (docker) =>
        docker.getContainer(id).inspect({ abortSignal: signal }),
      )
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
    const found = container?.Config.Labels ?? {}
    if (container && (found[labels.instance] !== id || found[labels.cluster] !== this.#context.cluster))
      throw new Error(`the Docker Engine has another container named ${id}, which is not ours`)
    return container ?? undefined
  }

  async #adopt(
    { Id, State }: Docker.ContainerInspectInfo,
    { id, worker }: InstanceSpec<DockerTemplate>,
    signal: AbortSignal,
  ): Promise<Instance> {
    const state = states[State.Status] ?? 'running'
    const instance = { id, cluster: this.#context.cluster, worker, ref: Id, state }
    return state === 'failed'
      ? { ...instance, detail: await failureDetail(this.#engine, Id, signal) }
      : instance
  }

  async #create(
    spec: InstanceSpec<DockerTemplate>,
    image: PreparedImage,
    signal: AbortSignal,
  ): Promise<string> {
    if (spec.template.network === ownNetwork) await this.#createNetwork(spec, signal)
    const { cluster, configDir } = this.#context
    const mount = image.runtime.mount()
    const config = containerConfig(spec, {
      cluster,
      configDir,
      image: image.id,
      imageName: image.name,
      mount,
    })
    try {
      return await this.#engine.create(`cannot create ${spec.name}`, spec.id, config, signal)
    } catch (error) {
      // A call that was given up is carried out meanwhile: the name is taken before the container is there.
      for (let i = 0; isConflict(error) && i < conflictTries; i++) {
        const present = await this.#find(spec.id, signal)
        if (present?.State.Status === 'created') return present.Id
        if (present) break
        await delay(conflictPause, undefined, { signal })
      }
      throw error
    }
  }

  async #createNetwork(spec: InstanceSpec<DockerTemplate>, signal: AbortSignal): Promise<void> {
    const Labels = stampOf(spec, this.#context.cluster)
    const options = { Name: spec.id, CheckDuplicate: true, Driver: 'bridge', Labels, abortSignal: signal }
    await this.#engine
      .call('cannot create a network', signal, (docker) => docker.createNetwork(options))
      .catch((error: unknown) => {
        if (!isConflict(error)) throw error
      })
  }

  async #containers(label: string[], signal: AbortSignal): Promise<Docker.ContainerInfo[]> {
    return await this.#engine.call('cannot list containers', signal, (docker) =>
      docker.listContainers({ all: true, filters: { label }, abortSignal: signal }),
    )
  }

  async #detailOf(container: string, signal: AbortSignal): Promise<string | undefined> {
    const known = this.#details.get(container)
    if (known !== undefined) return known
    try {
      const detail = await failureDetail(this.#engine, container, signal)
      this.#details.set(container, detail)
      return detail
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}

function withoutImage({ build: _build, image: _image, ...template }: DockerTemplate): DockerTemplate {
  return template
}

const conflictTries = 50
/** Milliseconds. */
const conflictPause = 100

const states: Readonly<Record<string, Instance['state']>> = {
  created: 'starting',
  restarting: 'starting',
  running: 'running',
  paused: 'running',
  exited: 'failed',
  dead: 'failed',
  removing: 'stopping',
}
