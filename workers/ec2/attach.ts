import { messageOf } from '../../src/model/errors.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode } from './ec2-error.ts'
import type { Machine } from './machine.ts'
import { asTags, tags } from './stamps.ts'

/** Gives running machines the volumes and addresses that their tags ask for: AWS takes them only once a machine runs. */
export class Attach {
  readonly #api: Ec2Api
  /** Machines that have their address. */
  readonly #addressed = new Set<string>()

  constructor(api: Ec2Api) {
    this.#api = api
  }

  /** Resolves to what could not be done, undefined when all is well. It is tried again with the next list. */
  async complete(machine: Machine, signal: AbortSignal): Promise<string | undefined> {
    if (machine.state !== 'running') {
      // It may lose its address while it is stopped.
      this.#addressed.delete(machine.ref)
      return undefined
    }
    const troubles: string[] = []
    const attempt = (what: string, work: () => Promise<void>) =>
      work().catch((error: unknown) => void troubles.push(`${what}: ${messageOf(error)}`))
    for (const [tag, volume] of Object.entries(machine.tags))
      if (tag.startsWith(tags.volume) && !machine.volumes.includes(volume))
        await attempt(`no volume ${volume}`, () =>
          this.#attachVolume(machine, volume, tag.slice(tags.volume.length), signal),
        )
    const address = machine.tags[tags.address]
    if (address !== undefined && !this.#addressed.has(machine.ref))
      await attempt('no address', () => this.#giveAddress(machine, address, signal))
    return troubles.length > 0 ? troubles.join('; ') : undefined
  }

  /** Only these are left. */
  keep(refs: ReadonlySet<string>): void {
    for (const ref of this.#addressed) if (!refs.has(ref)) this.#addressed.delete(ref)
  }

  async #attachVolume(
    machine: Machine,
    VolumeId: string,
    Device: string,
    signal: AbortSignal,
  ): Promise<void> {
    const request = { InstanceId: machine.ref, VolumeId, Device }
    await this.#api.call('AttachVolume', { signal, urgency: 'start' }, (ec2, o) =>
      ec2.attachVolume(request, o),
    )
  }

  async #giveAddress(machine: Machine, wanted: string, signal: AbortSignal): Promise<void> {
    const allocation = wanted === 'new' ? await this.#ownAddress(machine, signal) : wanted
    const where = allocation.startsWith('eipalloc-') ? { AllocationId: allocation } : { PublicIp: allocation }
    const request = { ...where, InstanceId: machine.ref, AllowReassociation: false }
    try {
      await this.#api.call('AssociateAddress', { signal, urgency: 'start' }, (ec2, o) =>
        ec2.associateAddress(request, o),
      )
    } catch (error) {
      // Perhaps with this very machine, by a call whose answer was lost.
      if (!hasCode(error, /AlreadyAssociated/) || !(await this.#hasAddress(machine, signal))) throw error
    }
    this.#addressed.add(machine.ref)
  }

  /** The address that was made for the machine, or a new one: its tags find it again when the answer is lost. */
  async #ownAddress({ tags: own }: Machine, signal: AbortSignal): Promise<string> {
    const stamp = Object.fromEntries(
      [tags.cluster, tags.worker, tags.instance, tags.expires, 'Name'].map((key) => [key, own[key] ?? '']),
    )
    const call = { signal, urgency: 'start' as const }
    const { Addresses = [] } = await this.#api.call('DescribeAddresses', call, (ec2, o) =>
      ec2.describeAddresses(
        {
          Filters: [tags.instance, tags.cluster].map((key) => ({
            Name: `tag:${key}`,
            Values: [stamp[key]!],
          })),
        },
        o,
      ),
    )
    if (Addresses[0]?.AllocationId) return Addresses[0].AllocationId
    const made = await this.#api.call('AllocateAddress', call, (ec2, o) =>
      ec2.allocateAddress(
        { Domain: 'vpc', TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: asTags(stamp) }] },
        o,
      ),
    )
    return made.AllocationId ?? made.PublicIp ?? ''
  }

  async #hasAddress({ ref }: Machine, signal: AbortSignal): Promise<boolean> {
    const { Addresses = [] } = await this.#api.call(
      'DescribeAddresses',
      { signal, urgency: 'start' },
      (ec2, o) => ec2.describeAddresses({ Filters: [{ Name: 'instance-id', Values: [ref] }] }, o),
    )
    return Addresses.length > 0
  }
}
