import type { LatentDescription, LatentOptions } from '../../src/latent/latent-worker.ts'
import type { ImageReference } from '../../src/model/image.ts'
import type { LockAccess } from '../../src/model/lock.ts'
import type { PropertyValue, Renderable } from '../../src/model/properties.ts'
import type { ConnectionOptions } from './connection-options.ts'

/** What a server is made from. Each may be a function of the build's properties. */
export interface ServerOptions {
  /** A name or an id. A name that several images have is an error. Or `image('name')`, an image of the config. */
  readonly image?: Renderable<string> | ImageReference
  /** A name or an id. */
  readonly flavor?: Renderable<string>
  /** The server's disk is a volume of this size, made from the image and deleted with it. Default: a disk as the flavor has it. */
  readonly volume?: Renderable<BootVolume>
  /** Names or ids; 'auto': the project's only one; 'none': no network at all. Default 'auto'. */
  readonly networks?: Renderable<'auto' | 'none' | readonly string[]>
  /** Names or ids. Default: the project's default group. */
  readonly securityGroups?: Renderable<readonly string[]>
  /** For ssh; Rouse needs none. */
  readonly keyName?: Renderable<string>
  readonly availabilityZone?: Renderable<string>
  /** A name or an id: which servers are to be on the same host, or on others. */
  readonly serverGroup?: Renderable<string>
  /** True: an address made for each instance and released after it, in the only external network, or in `network`. A text: one that exists. */
  readonly floatingIp?: Renderable<boolean | string | { readonly network: string }>
  /** Whether the user data also comes on a small disk, for networks that have no metadata service. Default true. */
  readonly configDrive?: Renderable<boolean>
  /** Beside Rouse's own. */
  readonly metadata?: Renderable<Readonly<Record<string, Renderable<string>>>>
}

export interface BootVolume {
  /** GiB. */
  readonly size: number
  /** One of the cloud's volume types. Default: the cloud's. */
  readonly type?: string
}

/** What `openstackWorker` takes: these, and what every latent worker takes. */
export interface OpenStackWorkerOptions extends ConnectionOptions, ServerOptions, LatentOptions {
  /** How many builds may run at once on one instance. Default 1. */
  readonly maxBuilds?: number
  /** Set on every build that runs here. */
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** Set on every build that runs here unless something else has set it. */
  readonly defaultProperties?: Readonly<Record<string, PropertyValue>>
  /** Held by every build that runs here, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
}

/** What `openstackWorker` gives. */
export interface OpenStackWorkerConfig
  extends
    Omit<OpenStackWorkerOptions, keyof ConnectionOptions | keyof ServerOptions>,
    LatentDescription<OpenStackTemplate> {
  readonly kind: 'latent'
  readonly name: string
}

/** The options with the properties filled in: plain JSON, which the database holds. */
export interface OpenStackTemplate {
  readonly image: string
  readonly flavor: string
  readonly volume?: BootVolume
  readonly networks?: 'auto' | 'none' | readonly string[]
  readonly securityGroups?: readonly string[]
  readonly keyName?: string
  readonly availabilityZone?: string
  readonly serverGroup?: string
  readonly floatingIp?: boolean | string | { readonly network: string }
  readonly configDrive?: boolean
  readonly metadata?: Readonly<Record<string, string>>
  /** Its disk becomes an image: its agent is root. */
  readonly provisions?: boolean
  /** Of an image(): there can be none. */
  readonly size?: number | string
}

/** Options that go into the template. */
export const serverOptions = [
  'image',
  'flavor',
  'volume',
  'networks',
  'securityGroups',
  'keyName',
  'availabilityZone',
  'serverGroup',
  'floatingIp',
  'configDrive',
  'metadata',
] as const satisfies readonly (keyof ServerOptions)[]
