import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { AgentDelivery } from '../../../src/latent/agent-delivery.ts'
import type { BackendContext, InstanceSpec, WorkerBackend } from '../../../src/latent/backend.ts'
import { libvirtWorker, type LibvirtWorkerOptions } from '../../../workers/libvirt/index.ts'
import type { LibvirtTemplate } from '../../../workers/libvirt/libvirt-options.ts'
import { LibvirtDaemon } from './libvirt-daemon.ts'

/** A libvirtd for all tests of a file, started before the first and ended after the last. */
export function daemonForFile(): DaemonForFile {
  const file = new DaemonForFile()
  beforeAll(() => file.start(), setUpMs)
  afterEach(() => file.stopInstances())
  afterAll(() => file.end(), setUpMs)
  return file
}

export class DaemonForFile {
  /** Why there is none; the test skips with it. */
  missing: string | undefined
  daemon!: LibvirtDaemon
  folder!: string
  readonly cluster = `test-${process.pid}`
  #backends: WorkerBackend<LibvirtTemplate>[] = []
  #ids: string[] = []

  async start(): Promise<void> {
    const daemon = await LibvirtDaemon.start()
    if (typeof daemon === 'string') return void (this.missing = daemon)
    this.daemon = daemon
    this.folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  }

  /** A backend of a worker with these options. */
  async open(options: LibvirtWorkerOptions) {
    const all = { uri: this.daemon.uri, ...options }
    const backend = await openLibvirtBackend(all, this.cluster)
    this.#backends.push(backend)
    const spec = (more: Partial<InstanceSpec<LibvirtTemplate>> = {}): InstanceSpec<LibvirtTemplate> => {
      const id = more.id ?? `rouse-test-${this.#ids.length}`
      this.#ids.push(id)
      return {
        ...{ id, worker: 'virt', name: 'virt/1', template: templateOf(all), generation: 1, token: 'secret' },
        ...{ agent: noAgent, expiresAt: new Date(Date.now() + 3_600_000), ...more },
      }
    }
    return { backend, spec }
  }

  async stopInstances(): Promise<void> {
    const [backend] = this.#backends
    for (const id of new Set(this.#ids.splice(0)))
      await backend?.stop(id, { signal: AbortSignal.timeout(30_000) })
    for (const opened of this.#backends.splice(0)) await opened.close?.()
  }

  async end(): Promise<void> {
    await this.daemon?.stop()
    if (this.folder) await rm(this.folder, { recursive: true, force: true })
  }
}

/** A libvirt worker's backend as a master opens it. */
export async function openLibvirtBackend(
  options: LibvirtWorkerOptions,
  cluster: string,
): Promise<WorkerBackend<LibvirtTemplate>> {
  const { backend } = libvirtWorker('virt', options)
  return await backend.open(contextOf(cluster))
}

export function contextOf(cluster: string): BackendContext {
  return { cluster, log: pino({ level: 'silent' }), configDir: '/', readSecret: String }
}

/** The template of options that compute nothing. */
export function templateOf(options: LibvirtWorkerOptions): LibvirtTemplate {
  const { template } = libvirtWorker('virt', options)
  if (typeof template === 'function') throw new Error('it is computed')
  return template
}

/** For machines that never come so far. */
export const noAgent: AgentDelivery = { file: '/dev/null', sha256: 'none', masters: ['ws://127.0.0.1:1'] }

const setUpMs = 180_000
