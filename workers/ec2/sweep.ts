import type { Filter } from '@aws-sdk/client-ec2'
import type { InstanceId } from '../../src/latent/backend.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode } from './ec2-error.ts'
import { fromTags, tags, type Tag } from './stamps.ts'

/** Removes disks, addresses and network interfaces that were made for instances which are no more. */
export async function sweep(
  api: Ec2Api,
  cluster: string,
  isAlive: (id: InstanceId) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const ours = { Name: `tag:${tags.cluster}`, Values: [cluster] }
  const isLeft = ({ Tags, TagSet }: { Tags?: Tag[] | undefined; TagSet?: Tag[] | undefined }) => {
    const id = fromTags(Tags ?? TagSet)[tags.instance]
    return id !== undefined && !isAlive(id)
  }
  await releaseAddresses(api, [ours], isLeft, signal)
  const loose: Filter[] = [ours, { Name: 'status', Values: ['available'] }]
  const call = { signal, urgency: 'stop' as const }

  const volumes = await pages((NextToken) =>
    api.call('DescribeVolumes', call, (ec2, o) => ec2.describeVolumes({ Filters: loose, ...NextToken }, o)),
  )
  for (const { VolumeId } of volumes.flatMap(({ Volumes = [] }) => Volumes).filter(isLeft))
    await unlessGone(api.call('DeleteVolume', call, (ec2, o) => ec2.deleteVolume({ VolumeId: VolumeId! }, o)))

  const interfaces = await pages((NextToken) =>
    api.call('DescribeNetworkInterfaces', call, (ec2, o) =>
      ec2.describeNetworkInterfaces({ Filters: loose, ...NextToken }, o),
    ),
  )
  for (const { NetworkInterfaceId } of interfaces
    .flatMap((page) => page.NetworkInterfaces ?? [])
    .filter(isLeft))
    await unlessGone(
      api.call('DeleteNetworkInterface', call, (ec2, o) =>
        ec2.deleteNetworkInterface({ NetworkInterfaceId: NetworkInterfaceId! }, o),
      ),
    )
}

/** Addresses with our tags, that is those that Rouse has made. */
export async function releaseAddresses(
  api: Ec2Api,
  filters: Filter[],
  isLeft: (address: { Tags?: Tag[] | undefined }) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const call = { signal, urgency: 'stop' as const }
  const { Addresses = [] } = await api.call('DescribeAddresses', call, (ec2, o) =>
    ec2.describeAddresses({ Filters: filters }, o),
  )
  for (const { AllocationId, AssociationId } of Addresses.filter(isLeft)) {
    if (AssociationId)
      await unlessGone(
        api.call('DisassociateAddress', call, (ec2, o) => ec2.disassociateAddress({ AssociationId }, o)),
      )
    await unlessGone(
      api.call('ReleaseAddress', call, (ec2, o) => ec2.releaseAddress({ AllocationId: AllocationId! }, o)),
    )
  }
}

async function pages<T extends { NextToken?: string | undefined }>(
  read: (next: { NextToken?: string }) => Promise<T>,
): Promise<T[]> {
  const all: T[] = []
  for (let next = ''; ;) {
    const page = await read(next === '' ? {} : { NextToken: next })
    all.push(page)
    next = page.NextToken ?? ''
    if (next === '') return all
  }
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!hasCode(error, /\.NotFound$/)) throw error
  })
}
