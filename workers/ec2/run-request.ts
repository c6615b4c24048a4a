import type { RunInstancesCommandInput, ResourceType, _InstanceType } from '@aws-sdk/client-ec2'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { userData } from '../../src/latent/user-data.ts'
import type { BlockDevice, Ec2Template } from './ec2-options.ts'
import type { FoundImage } from './images.ts'
import { asTags, stampOf, tags, wishesOf } from './stamps.ts'
import type { Variant } from './variants.ts'

/** What RunInstances is asked: all the stamps are in it, so that nothing can exist without them. */
export function runRequest(
  spec: InstanceSpec<Ec2Template>,
  o: {
    cluster: string
    image: FoundImage
    /** Where the template says how large the root disk is. */
    rootDevice?: string | undefined
    variant: Variant
    token: string
  },
): RunInstancesCommandInput {
  const { instanceProfileName: profile, keypairName, provisions, securityGroupIds } = spec.template
  const blockDeviceMap = devicesOf(spec.template, o.rootDevice)
  const { spot, subnet, type } = o.variant
  const stamp = stampOf(spec, o.cluster)
  const own = { ...stamp, ...wishesOf(spec.template), [tags.image]: o.image.name.slice(0, 256) }
  const tagged = (ResourceType: ResourceType, record: Record<string, string>) => ({
    ResourceType,
    Tags: asTags(record),
  })
  const placement = placementOf(spec.template)
  return {
    ImageId: o.image.id,
    InstanceType: type as _InstanceType,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: o.token,
    UserData: Buffer.from(userDataOf(spec)).toString('base64'),
    // One that powers itself off is gone with its disks, unless one of these is to be kept.
    InstanceInitiatedShutdownBehavior: provisions ? 'stop' : 'terminate',
    // Version 2 needs a header and one hop: neither a request that a build is tricked into nor a container gets credentials.
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, HttpEndpoint: 'enabled' },
    TagSpecifications: [
      tagged('instance', own),
      tagged('volume', stamp),
      tagged('network-interface', stamp),
      ...(spot ? [tagged('spot-instances-request', stamp)] : []),
    ],
    ...(subnet !== undefined && { SubnetId: subnet }),
    ...(securityGroupIds && { SecurityGroupIds: [...securityGroupIds] }),
    ...(keypairName !== undefined && { KeyName: keypairName }),
    ...(profile !== undefined && {
      IamInstanceProfile: profile.startsWith('arn:') ? { Arn: profile } : { Name: profile },
    }),
    ...(placement && { Placement: placement }),
    ...(blockDeviceMap && { BlockDeviceMappings: blockDeviceMap.map(blockDeviceOf) }),
    ...(spot && {
      InstanceMarketOptions: {
        MarketType: 'spot',
        SpotOptions: {
          SpotInstanceType: 'one-time',
          InstanceInterruptionBehavior: 'terminate',
          ...(spot.maxPrice !== undefined && { MaxPrice: String(spot.maxPrice) }),
        },
      },
    }),
  }
}

function devicesOf(
  { blockDeviceMap, rootSize }: Ec2Template,
  rootDevice: string | undefined,
): readonly BlockDevice[] | undefined {
  if (rootDevice === undefined || rootSize === undefined) return blockDeviceMap
  const own = blockDeviceMap?.find(({ deviceName }) => deviceName === rootDevice)
  const others = (blockDeviceMap ?? []).filter((device) => device !== own)
  return [{ ...own, deviceName: rootDevice, size: rootSize }, ...others]
}

/** What cloud-init runs at the first boot, or at each one of a machine that is stopped while it is idle. */
export function userDataOf({ agent, id, template, token }: InstanceSpec<Ec2Template>): string {
  if (agent.masters.every((url) => url.startsWith('unix:')))
    throw new BackendError(
      'REJECTED',
      "agentUrl: a machine of EC2 cannot reach the master by its socket; write agentUrl: 'wss://...'",
    )
  const how = { everyBoot: template.idle === 'stop', root: template.provisions === true }
  const text = userData({ agent, id, token }, how)
  const length = Buffer.byteLength(text)
  if (length > mostUserData)
    throw new BackendError(
      'REJECTED',
      `its user data has ${length} bytes, and EC2 takes ${mostUserData} at most: write fewer addresses into agentUrl`,
    )
  return text
}

function placementOf({ placement }: Ec2Template): RunInstancesCommandInput['Placement'] | undefined {
  if (placement === undefined) return undefined
  if (typeof placement === 'string') return { AvailabilityZone: placement }
  const { availabilityZone, groupName, hostId, tenancy } = placement
  return {
    ...(availabilityZone !== undefined && { AvailabilityZone: availabilityZone }),
    ...(groupName !== undefined && { GroupName: groupName }),
    ...(hostId !== undefined && { HostId: hostId }),
    ...(tenancy !== undefined && { Tenancy: tenancy }),
  }
}

function blockDeviceOf(device: BlockDevice) {
  const { deviceName, encrypted, iops, kmsKeyId, size, snapshotId, throughput, type } = device
  return {
    DeviceName: deviceName,
    Ebs: {
      DeleteOnTermination: true,
      ...(size !== undefined && { VolumeSize: size }),
      ...(type !== undefined && { VolumeType: type as 'gp3' }),
      ...(iops !== undefined && { Iops: iops }),
      ...(throughput !== undefined && { Throughput: throughput }),
      ...(encrypted !== undefined && { Encrypted: encrypted }),
      ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }),
      ...(snapshotId !== undefined && { SnapshotId: snapshotId }),
    },
  }
}

const mostUserData = 16_384
