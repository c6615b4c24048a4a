import { randomBytes } from 'node:crypto'
import type { Instance, InstanceSpec, WorkerBackend } from '../../../src/latent/backend.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import type { ContractSubject } from './contract-subject.ts'

/** What the cases of the contract work with. */
export class ContractContext<T> {
  readonly subject: ContractSubject<T>
  readonly cluster: string
  readonly backend: WorkerBackend<T>
  /** Of another cluster at the same provider. */
  readonly stranger: WorkerBackend<T>
  #ids: string[] = []

  static async open<T>(subject: ContractSubject<T>): Promise<ContractContext<T>> {
    const cluster = `contract-${randomBytes(4).toString('hex')}`
    const [backend, stranger] = [await subject.open(cluster), await subject.open(`${cluster}-other`)]
    return new ContractContext(subject, cluster, backend, stranger)
  }

  private constructor(
    subject: ContractSubject<T>,
    cluster: string,
    backend: WorkerBackend<T>,
    stranger: WorkerBackend<T>,
  ) {
    this.subject = subject
    this.cluster = cluster
    this.backend = backend
    this.stranger = stranger
  }

  get strangers(): string {
    return `${this.cluster}-other`
  }

  /** A new id to be started. It is stopped at the end of the case. */
  spec({ template = this.subject.template }: { template?: T } = {}): InstanceSpec<T> {
    const id = `rouse-${randomBytes(6).toString('hex')}`
    this.#ids.push(id)
    return {
      id,
      worker: 'dock',
      name: 'dock/1',
      template,
      generation: 1,
      token: 'not-a-secret',
      agent: this.subject.agent,
      expiresAt: new Date(Date.now() + 3_600_000),
    }
  }

  /** What the list shows of an id, once it is as it should be; fails when it should be so by now. */
  async listed(id: string, good: (found: Instance[]) => boolean): Promise<Instance[]> {
    let found: Instance[] = []
    const probe = async () => {
      found = (await this.backend.list(call())).filter((instance) => instance.id === id)
      return good(found)
    }
    const timeout = (this.backend.listLag + patienceSeconds) * 1000
    await waitFor(`the list to show ${id} as it should`, probe, { timeout }).catch((error: unknown) => {
      throw new Error(`the list shows ${JSON.stringify(found)}`, { cause: error })
    })
    return found
  }

  /** Waits until of these images no more than `left` is listed, as lists that are behind come to show. */
  async listedImages(of: ReadonlySet<string>, ...left: string[]): Promise<void> {
    const timeout = (this.backend.listLag + patienceSeconds) * 1000
    const probe = async () => {
      const found = (await this.backend.images!.list(call())).filter((ref) => of.has(ref))
      return found.toSorted().join() === left.toSorted().join()
    }
    await waitFor(`the images to be ${left.join(' and ') || 'gone'}`, probe, { timeout })
  }

  async stopAll(): Promise<void> {
    const ids = this.#ids.splice(0)
    for (const id of ids) await Promise.all([this.backend.stop(id, call()), this.stranger.stop(id, call())])
  }

  async close(): Promise<void> {
    await this.backend.close?.()
    await this.stranger.close?.()
    await this.subject.close()
  }
}

/** Options of a call that has its usual time. */
export function call() {
  return { signal: AbortSignal.timeout(callMs) }
}

export const running = (found: Instance[]) => found.length === 1 && found[0]!.state === 'running'
export const none = (found: Instance[]) => found.length === 0

const callMs = 60_000
const patienceSeconds = 20
