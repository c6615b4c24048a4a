import type { LatentDescription, LatentOptions } from '../../src/latent/latent-worker.ts'
import type { ImageReference } from '../../src/model/image.ts'
import type { LockAccess } from '../../src/model/lock.ts'
import type { PropertyValue, Renderable } from '../../src/model/properties.ts'
import type { ConnectionOptions } from './connection-options.ts'

/** What an instance is made from. Each may be a function of the build's properties. */
export interface MachineOptions {
  /**
   * 'ami-0123456789abcdef0', or a filter: of the images that match, the newest; 'OWNER/PATTERN' is a filter, too. Or `image('name')`, an
   * image of the config.
   */
  readonly ami?: Renderable<string | ImageFilter> | ImageReference
  /** 'c7i.xlarge', or several in the order of trying when there is no room for the first. */
  readonly instanceType?: Renderable<string | readonly string[]>
  /** 'subnet-...', or several: each type is tried in all of them. Default: the default network's. */
  readonly subnetId?: Renderable<string | readonly string[]>
  /** 'sg-...'. Default: the network's default group. */
  readonly securityGroupIds?: Renderable<readonly string[]>
  /** For ssh; Rouse needs none. */
  readonly keypairName?: Renderable<string>
  /** A name or an ARN: the role that builds on the instance have. */
  readonly instanceProfileName?: Renderable<string>
  /** An availability zone, or more. */
  readonly placement?: Renderable<string | Placement>
  /** Disks that are made for the instance and deleted with it. */
  readonly blockDeviceMap?: Renderable<readonly BlockDevice[]>
  /** Volumes that exist, attached once it runs and left alone when it ends. */
  readonly volumes?: Renderable<readonly AttachedVolume[]>
  /** True: an address made for each instance and released after it. A text: one that exists, 'eipalloc-...' or '203.0.113.7'. */
  readonly elasticIp?: Renderable<boolean | string>
  /** Beside Rouse's own. */
  readonly tags?: Renderable<Readonly<Record<string, Renderable<string>>>>
  /** Spot instances: true, or with a price and whether on-demand ones are started where there are none. Default false. */
  readonly spot?: Renderable<boolean | SpotOptions>
}

export interface ImageFilter {
  /** Account numbers, 'self', 'amazon', 'aws-marketplace'. Needed: anyone can publish an image of any name. */
  readonly owners: readonly string[]
  /** A pattern with '*' and '?': 'debian-13-amd64-*'. */
  readonly name: string
  /** 'x86_64' or 'arm64'. Default: any. */
  readonly architecture?: string
}

export interface Placement {
  readonly availabilityZone?: string
  readonly groupName?: string
  readonly tenancy?: 'default' | 'dedicated' | 'host'
  readonly hostId?: string
}

export interface BlockDevice {
  /** '/dev/xvda' is the root disk of many images. */
  readonly deviceName: string
  /** GiB. Default: the snapshot's. */
  readonly size?: number
  /** 'gp3', 'io2', ... Default: AWS's. */
  readonly type?: string
  readonly iops?: number
  /** MiB/s. */
  readonly throughput?: number
  readonly encrypted?: boolean
  readonly kmsKeyId?: string
  readonly snapshotId?: string
}

export interface AttachedVolume {
  readonly volumeId: string
  /** '/dev/sdf' */
  readonly device: string
}

export interface SpotOptions {
  /** Dollars per hour. Default: up to the on-demand price. */
  readonly maxPrice?: number
  /** Where there is no room for a spot instance, an on-demand one is started. Default false. */
  readonly fallback?: boolean
}

/** What `ec2Worker` takes: these, and what every latent worker takes. */
export interface Ec2WorkerOptions extends ConnectionOptions, MachineOptions, LatentOptions {
  /**
   * What becomes of a machine that was idle for `buildWaitTimeout`: with 'stop' it is stopped, keeps its disks, and is started again for
   * the next build. Not with `spot`. Default 'terminate'.
   */
  readonly idle?: 'terminate' | 'stop' | undefined
  /** How many builds may run at once on one instance. Default 1. */
  readonly maxBuilds?: number
  /** Set on every build that runs here. */
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** Set on every build that runs here unless something else has set it. */
  readonly defaultProperties?: Readonly<Record<string, PropertyValue>>
  /** Held by every build that runs here, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
}

/** What `ec2Worker` gives. */
export interface Ec2WorkerConfig
  extends
    Omit<Ec2WorkerOptions, keyof ConnectionOptions | keyof MachineOptions | 'idle'>,
    LatentDescription<Ec2Template> {
  readonly kind: 'latent'
  readonly name: string
}

/** The options with the properties filled in: plain JSON, which the database holds. */
export interface Ec2Template {
  readonly ami: string | ImageFilter
  readonly instanceType: string | readonly string[]
  readonly subnetId?: string | readonly string[]
  readonly securityGroupIds?: readonly string[]
  readonly keypairName?: string
  readonly instanceProfileName?: string
  readonly placement?: string | Placement
  readonly blockDeviceMap?: readonly BlockDevice[]
  readonly volumes?: readonly AttachedVolume[]
  readonly elasticIp?: boolean | string
  readonly tags?: Readonly<Record<string, string>>
  readonly spot?: boolean | SpotOptions
  /** Its user data runs at every boot. */
  readonly idle?: 'stop'
  /** Its disk becomes an image: it is stopped and not ended, and its agent is root. */
  readonly provisions?: boolean
  /** GiB of the root disk, whatever the image calls that. */
  readonly rootSize?: number
}

/** Options that go into the template. */
export const machineOptions = [
  'ami',
  'instanceType',
  'subnetId',
  'securityGroupIds',
  'keypairName',
  'instanceProfileName',
  'placement',
  'blockDeviceMap',
  'volumes',
  'elasticIp',
  'tags',
  'spot',
] as const satisfies readonly (keyof MachineOptions)[]
