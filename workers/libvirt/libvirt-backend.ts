import { setTimeout as delay } from 'node:timers/promises'
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
import { RouseError } from '../../src/model/errors.ts'
import { Leftovers } from '../../src/util/leftovers.ts'
import type { DomainFacts } from './domain-calls.ts'
import { hasShutDown, instanceOf, isActive } from './domain-state.ts'
import { domainXml } from './domain-xml.ts'
import { explained } from './explain-failure.ts'
import { keptImages } from './kept-images.ts'
import { Lanes, type LaneCallOptions } from './lanes.ts'
import { codes, hasCode } from './libvirt-error.ts'
import type { LibvirtTemplate } from './libvirt-options.ts'
import { makeFiles, removeVolumes } from './machine-files.ts'
import { revertToPristine, takePristine } from './pristine-machine.ts'
import {
  bareStamp,
  namespace,
  prefix,
  readStamp,
  stampElement,
  stampOf,
  uuidOf,
  volumeInstance,
  volumePrefix,
  type Stamp,
} from './stamps.ts'
import type { VolumeName } from './storage-calls.ts'
import { templateMistakes } from './template-mistakes.ts'
import { parseXml, xmlText, type XmlElement } from './xml.ts'

/** Instances are domains; a domain's name is its instance's id. */
export class LibvirtBackend implements WorkerBackend<LibvirtTemplate> {
  // A call that was given up may still be carried out.
  readonly listLag = 5
  readonly images: BackendImages
  readonly #cluster: string
  readonly #lanes: Lanes
  readonly #leftovers = new Leftovers()
  readonly #keptShutdown: number
  #hypervisor: string | undefined

  /** Contacts nobody. `keptShutdown`: seconds that a system whose disk is to be kept gets at least to shut down. */
  constructor(uri: string, { cluster }: BackendContext, { keptShutdown = keptShutdownSeconds } = {}) {
    this.#cluster = cluster
    this.#keptShutdown = keptShutdown
    this.#lanes = new Lanes(uri)
    const shutDown = (id: string, o: LaneCallOptions) => this.#shutDown(id, o)
    this.images = keptImages({ lanes: this.#lanes, cluster, shutDown })
  }

  start(spec: InstanceSpec<LibvirtTemplate>, { signal }: CallOptions): Promise<Instance> {
    return explained(async () => {
      const mistakes = templateMistakes({ ...spec.template })
      if (mistakes.length > 0) throw new BackendError('REJECTED', mistakes.join('; '))
      const o = { signal, key: spec.id }
      const found = await this.#find(spec.id, o, (other) => {
        throw new Error(`libvirt has another domain named ${other.name}, which is not ours`)
      })
      // Otherwise a start was cut short: what it has made is made again.
      if (found && (isActive(found.facts) || found.stamp.started)) {
        if (!found.stamp.started) await this.#stamp(spec, o)
        return instanceOf(found.facts, found.stamp)
      }
      const ref = await this.#make(spec, found?.facts.uuid, o)
      await this.#lanes.call('startDomain', [spec.id], o)
      await this.#stamp(spec, o)
      return { id: spec.id, cluster: this.#cluster, worker: spec.worker, ref, state: 'starting' }
    })
  }

  stop(id: InstanceId, { signal }: CallOptions): Promise<void> {
    return explained(async () => {
      const o = { signal, key: id }
      const found = await this.#find(id, o)
      if (found) {
        await this.#end(found, o)
        await ignoring([codes.noDomain], this.#lanes.call('undefineDomain', [id], o))
      }
      const volumes = await this.#lanes.call('listVolumes', [`${volumePrefix(this.#cluster)}${id}.`], o)
      await removeVolumes(this.#lanes, volumes, o)
    })
  }

  list({ signal }: CallOptions): Promise<readonly Instance[]> {
    return explained(async () => {
      const domains = await this.#lanes.call('listDomains', [namespace], { signal })
      return domains.flatMap((facts) => {
        const stamp = readStamp(facts.metadata)
        return stamp ? [instanceOf(facts, stamp)] : []
      })
    })
  }

  /** Takes the snapshot of a machine with `reset: 'snapshot'`, once its agent waits for a token. */
  seal(id: InstanceId, { signal }: CallOptions): Promise<void> {
    return explained(async () => {
      const o = { signal, key: id }
      const { stamp } = await this.#ours(id, o)
      if (stamp.reset === 'snapshot') await takePristine(this.#lanes, id, o)
    })
  }

  reset(spec: InstanceSpec<LibvirtTemplate>, { signal }: CallOptions): Promise<void> {
    return explained(async () => {
      const o = { signal, key: spec.id }
      const { facts, stamp } = await this.#ours(spec.id, o)
      if (stamp.reset === 'snapshot') await revertToPristine(this.#lanes, spec, o)
      else {
        await this.#destroy(spec.id, o)
        // With its firmware's variables and its TPM, which are not on its disk.
        await ignoring([codes.noDomain], this.#lanes.call('undefineDomain', [spec.id], o))
        await this.#make(spec, facts.uuid, o)
        await this.#lanes.call('startDomain', [spec.id], o)
      }
      await this.#stamp(spec, o)
    })
  }

  sweep(known: ReadonlySet<InstanceId>, { signal }: CallOptions): Promise<void> {
    return explained(async () => {
      const begun = performance.now()
      const volumes = await this.#lanes.call('listVolumes', [volumePrefix(this.#cluster)], { signal })
      // Afterwards: a domain is defined when its volumes are there.
      const listed = new Set((await this.list({ signal })).map(({ id }) => id))
      const idOf = ({ name }: VolumeName) => volumeInstance(this.#cluster, name)!
      const found = volumes.map(idOf).filter((id) => !known.has(id) && !listed.has(id))
      const due = this.#leftovers.due(new Set(found), { begun, now: performance.now() })
      const left = volumes.filter((volume) => due.has(idOf(volume)))
      await removeVolumes(this.#lanes, left, { signal })
    })
  }

  async close(): Promise<void> {
    await this.#lanes.close()
  }

  /** Its volumes and its domain, which does not run yet. Gives the domain's UUID. */
  async #make(
    spec: InstanceSpec<LibvirtTemplate>,
    uuid: string | undefined,
    o: LaneCallOptions,
  ): Promise<string> {
    this.#hypervisor ??= await this.#lanes.call('hypervisor', [], o)
    const isTest = this.#hypervisor === 'TEST'
    const model = await this.#model(spec.template, o)
    const type = isTest ? 'test' : await this.#acceleration(spec.template, o)
    const files = await makeFiles(this.#lanes, spec, { cluster: this.#cluster, isTest, model }, o)
    const parts = {
      name: spec.id,
      uuid: uuid ?? uuidOf(this.#cluster, spec.id),
      title: `Rouse: ${spec.name}`,
      stamp: stampElement(stampOf(spec, this.#cluster, false)),
      ...files,
    }
    const xml = xmlText(asRejected(() => domainXml({ template: spec.template, model, type }, parts)))
    return await this.#lanes.call('defineDomain', [spec.id, xml], o)
  }

  /** The domain that instances are made like. */
  async #model({ domain, xml }: LibvirtTemplate, o: LaneCallOptions): Promise<XmlElement | undefined> {
    if (xml !== undefined) return parseXml(xml)[0]
    if (domain === undefined) return undefined
    const found = await this.#lanes.call('findDomain', [domain, namespace], o)
    if (!found) throw new BackendError('REJECTED', `domain: libvirt has none named ${domain}`)
    // What runs writes to the disk that the instances' disks lie over.
    if (isActive(found)) throw new Error(`domain: ${domain} is running; shut it down, instances use its disk`)
    return parseXml(await this.#lanes.call('domainXml', [domain, 'inactive'], o))[0]
  }

  async #acceleration({ acceleration = 'auto' }: LibvirtTemplate, o: LaneCallOptions): Promise<string> {
    if (acceleration !== 'auto') return acceleration === 'kvm' ? 'kvm' : 'qemu'
    return (await this.#lanes.call('fastAcceleration', [], o)) ?? 'qemu'
  }

  /** The domain of that name, if it has our stamp. */
  async #find(
    id: InstanceId,
    o: LaneCallOptions,
    onOther: (other: DomainFacts) => void = () => {},
  ): Promise<Found | undefined> {
    const facts = await this.#lanes.call('findDomain', [id, namespace], o)
    if (!facts) return undefined
    const stamp = readStamp(facts.metadata)
    if (stamp?.id === id && stamp.cluster === this.#cluster) return { facts, stamp }
    onOther(facts)
    return undefined
  }

  async #ours(id: InstanceId, o: LaneCallOptions): Promise<Found> {
    const found = await this.#find(id, o)
    if (!found) throw new Error(`libvirt has no domain ${id}`)
    return found
  }

  async #stamp(spec: InstanceSpec<LibvirtTemplate>, o: LaneCallOptions): Promise<void> {
    const xml = xmlText(bareStamp(stampOf(spec, this.#cluster, true)))
    await this.#lanes.call('setMetadata', [spec.id, xml, prefix, namespace], o)
  }

  /** For one whose disk is to be kept: never ends it by force, since what its system has not written yet would be missing. */
  async #shutDown(id: InstanceId, o: LaneCallOptions): Promise<void> {
    const { facts, stamp } = await this.#ours(id, o)
    const patience = Math.max(stamp.shutdownTimeout, this.#keptShutdown)
    // When its agent ends it powers itself off, having removed what belongs to the agent.
    const askAfter = patience / 4
    const off = isActive(facts) ? await this.#untilOff(id, { patience, askAfter }, o) : facts
    if (off && hasShutDown(off)) return
    const why = off
      ? `machine ${id} is off, but its system has not shut down`
      : `the system of machine ${id} has not shut down within ${patience} s`
    throw new RouseError('ROUSE_IMAGE_NOT_SHUT_DOWN', why)
  }

  /** Gives the system its time to shut down. */
  async #end({ facts, stamp: { id, shutdownTimeout: patience } }: Found, o: LaneCallOptions): Promise<void> {
    if (isActive(facts) && !(await this.#untilOff(id, { patience }, o))) await this.#destroy(id, o)
  }

  /** Asks its system to shut down; undefined when it still runs after `patience`, in seconds. */
  async #untilOff(
    id: InstanceId,
    { askAfter = 0, patience }: { askAfter?: number; patience: number },
    o: LaneCallOptions,
  ): Promise<DomainFacts | undefined> {
    const begun = performance.now()
    let askAt = begun + askAfter * 1000
    while (performance.now() < begun + patience * 1000) {
      if (performance.now() >= askAt) {
        // A machine that cannot be asked may go by itself. One that boots does not hear it the first time.
        await this.#lanes.call('shutDownDomain', [id], o).catch(() => {})
        askAt = performance.now() + askAgainMs
      }
      const now = await this.#lanes.call('findDomain', [id, namespace], o)
      if (!now || !isActive(now)) return now
      await delay(shutdownPollMs, undefined, { signal: o.signal })
    }
    return undefined
  }

  async #destroy(id: InstanceId, o: LaneCallOptions): Promise<void> {
    await ignoring([codes.noDomain, codes.operationInvalid], this.#lanes.call('destroyDomain', [id], o))
  }
}

interface Found {
  readonly facts: DomainFacts
  readonly stamp: Stamp
}

async function ignoring(any: readonly number[], work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!hasCode(error, ...any)) throw error
  }
}

function asRejected<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof SyntaxError) throw new BackendError('REJECTED', error.message, { cause: error })
    throw error
  }
}

const shutdownPollMs = 250
const askAgainMs = 10_000
const keptShutdownSeconds = 120
