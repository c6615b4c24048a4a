import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { AgentDelivery } from '../../../src/latent/agent-delivery.ts'
import type { InstanceSpec, WorkerBackend } from '../../../src/latent/backend.ts'
import type { DockerTemplate } from '../../../workers/docker/docker-options.ts'
import type { DockerWorkerOptions } from '../../../workers/docker/index.ts'
import { bundleAgent } from './agent-delivery.ts'
import { startDockerEngine, type DockerEngine } from './docker-engine.ts'
import { openDockerBackend, templateOf } from './open-docker-backend.ts'
import { makeImage } from './test-images.ts'

/** An engine with these images for all tests of a file, started before the first and ended after the last. */
export function engineForFile(...images: string[]): EngineForFile {
  const file = new EngineForFile()
  beforeAll(() => file.start(images), setUpMs)
  afterEach(() => file.stopInstances())
  afterAll(() => file.end(), setUpMs)
  return file
}

export class EngineForFile {
  /** Why there is none; the test skips with it. */
  missing: string | undefined
  folder!: string
  readonly cluster = `test-${process.pid}`
  #engine!: DockerEngine
  #agent!: AgentDelivery
  #backends: WorkerBackend<DockerTemplate>[] = []
  #ids: string[] = []

  get host(): string {
    return this.#engine.host
  }

  get docker(): DockerEngine['docker'] {
    return this.#engine.docker
  }

  async start(images: readonly string[]): Promise<void> {
    const engine = await startDockerEngine()
    if (typeof engine === 'string') return void (this.missing = engine)
    this.#engine = engine
    this.folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
    this.#agent = await bundleAgent(this.folder, ['ws://127.0.0.1:1'])
    for (const image of images) this.missing ??= await makeImage(engine, image)
  }

  /** A backend of a worker with these options, which has no network unless they say otherwise. */
  async open(options: DockerWorkerOptions, secrets: Readonly<Record<string, string>> = {}) {
    const all = { docker: this.host, network: 'none', ...options }
    const backend = await openDockerBackend(all, this.cluster, { configDir: this.folder, secrets })
    this.#backends.push(backend)
    const spec = (more: Partial<InstanceSpec<DockerTemplate>> = {}): InstanceSpec<DockerTemplate> => {
      const id = more.id ?? `rouse-test-${this.#ids.length}`
      this.#ids.push(id)
      return {
        ...{ id, worker: 'dock', name: 'dock/1', template: templateOf(all), generation: 1, token: 'secret' },
        ...{ agent: this.#agent, expiresAt: new Date(Date.now() + 3_600_000), ...more },
      }
    }
    const agentOf = (...masters: string[]): AgentDelivery => ({ ...this.#agent, masters })
    return { backend, spec, agentOf }
  }

  async stopInstances(): Promise<void> {
    const [backend] = this.#backends
    for (const id of new Set(this.#ids)) await backend?.stop(id, { signal: AbortSignal.timeout(30_000) })
    for (const opened of this.#backends.splice(0)) await opened.close?.()
  }

  async end(): Promise<void> {
    await this.#engine?.stop()
    if (this.folder) await rm(this.folder, { recursive: true, force: true })
  }
}

const setUpMs = 180_000
