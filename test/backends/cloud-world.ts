import { randomBytes } from 'node:crypto'
import type { Instance, InstanceSpec, WorkerBackend } from '../../src/latent/backend.ts'
import { call } from './contract/contract-context.ts'

interface FakeCloud {
  readonly calls: { readonly action: string }[]
}

/** A fake cloud and backends of it, asked as the engine would. */
export abstract class CloudWorld<T, Backend extends WorkerBackend<T>, Cloud extends FakeCloud> {
  readonly cloud: Cloud
  readonly url: string
  backend!: Backend

  constructor(cloud: Cloud, url: string) {
    this.cloud = cloud
    this.url = url
  }

  start(spec: InstanceSpec<T>): Promise<Instance> {
    return this.backend.start(spec, call())
  }

  /** Why a start came to nothing. */
  async refusal(spec: InstanceSpec<T>): Promise<{ code?: string; message: string }> {
    return this.start(spec).then(
      () => ({ message: 'it was started' }),
      (error: Error & { code?: string }) => ({ code: error.code!, message: error.message }),
    )
  }

  async list(): Promise<readonly Instance[]> {
    return this.backend.list(call())
  }

  stop(id: string): Promise<void> {
    return this.backend.stop(id, call())
  }

  /** The actions of the calls since the last look. */
  actions(): string[] {
    return this.cloud.calls.splice(0).map(({ action }) => action)
  }

  protected specOf(template: T, change: Partial<InstanceSpec<T>>): InstanceSpec<T> {
    return {
      id: `rouse-${randomBytes(6).toString('hex')}`,
      worker: 'cloud',
      name: 'cloud/1',
      template,
      generation: 1,
      token: 'a-token',
      agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['wss://ci.example.com'] },
      expiresAt: new Date('2026-12-24T18:00:00Z'),
      ...change,
    }
  }
}
