import type { ResetWay } from '../../src/latent/instance-event.ts'
import type { LatentDescription, LatentOptions } from '../../src/latent/latent-worker.ts'
import type { LockAccess } from '../../src/model/lock.ts'
import type { Duration } from '../../src/model/durations.ts'
import type { PropertyValue, Renderable } from '../../src/model/properties.ts'

/** What `libvirtWorker` takes, beside what every latent worker takes. All but `uri` and `reset` may be functions of the build's properties. */
export interface LibvirtOptions {
  /** The libvirt to use, as for virsh: 'qemu:///system' (default), 'qemu+ssh://root@host/system', 'qemu:///system?socket=/path'. */
  readonly uri?: string
  /**
   * The base image, which is never written to: a path on libvirt's host, or 'pool/volume'. Default, with `domain` or `xml`: the
   * first disk there.
   */
  readonly image?: Renderable<string>
  /** Of the base image. Default 'qcow2'. */
  readonly imageFormat?: Renderable<ImageFormat>
  /** The storage pool for the instances' disks, one of files. Default 'default'. */
  readonly pool?: Renderable<string>
  /** Of an instance's disk: bytes, or '20g'. Default: as large as the base image. */
  readonly diskSize?: Renderable<number | string>
  /** Bytes, or '512m', '4g'. Default '2g'. */
  readonly memory?: Renderable<number | string>
  /** Virtual processors. Default 1. */
  readonly cpus?: Renderable<number>
  /** 'q35', 'pc', 'virt'. Default: libvirt's. */
  readonly machine?: Renderable<string>
  /** A network of libvirt, 'bridge:br0', 'user' (outgoing only, by QEMU itself), or 'none'. Default 'default'. */
  readonly network?: Renderable<string>
  /** Default 'auto': KVM where the host can. */
  readonly acceleration?: Renderable<Acceleration>
  /** Starts a kernel directly: paths on libvirt's host. Default: the disk is booted. */
  readonly boot?: Renderable<DirectBoot>
  /** A domain of libvirt that is shut off; instances are made like it. In place of the options from `memory` to `boot`. */
  readonly domain?: Renderable<string>
  /** The XML of a domain that instances are made like. In place of the options from `memory` to `boot`. */
  readonly xml?: Renderable<string>
  /** Elements that are added to the domain; what is in <devices> is added to its devices. */
  readonly extraXml?: Renderable<string>
  /** How the instance gets its start script: on a disk that cloud-init reads ('iso', the default), or by the firmware as 'fw_cfg'. */
  readonly seed?: Renderable<SeedKind>
  /** Lines of POSIX shell that run as root in the instance before the agent is fetched. */
  readonly setup?: Renderable<string>
  /** How an instance is made new after each build: back to a snapshot of the running machine, or a new disk and a boot. Default: it is not. */
  readonly reset?: ResetWay
  /** How long the system may take to shut down before it is ended. Default 10 s; 0: it is ended at once. */
  readonly shutdownTimeout?: Renderable<Duration>
}

export type Acceleration = 'auto' | 'kvm' | 'emulation'
export type ImageFormat = 'qcow2' | 'raw'
export type SeedKind = 'iso' | 'fw_cfg'

export interface DirectBoot {
  readonly kernel: string
  readonly initrd?: string
  readonly commandLine?: string
}

/** What every worker takes is here, too. */
export interface LibvirtWorkerOptions extends LibvirtOptions, LatentOptions {
  /** How many builds may run at once in one instance. Default 1. */
  readonly maxBuilds?: number
  /** Set on every build that runs here. */
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** Set on every build that runs here unless something else has set it. */
  readonly defaultProperties?: Readonly<Record<string, PropertyValue>>
  /** Set for the commands of every build that runs here. */
  readonly env?: Readonly<Record<string, string>>
  /** Held by every build that runs here, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
}

/** What `libvirtWorker` gives. */
export interface LibvirtWorkerConfig
  extends Omit<LibvirtWorkerOptions, keyof LibvirtOptions>, LatentDescription<LibvirtTemplate> {
  readonly kind: 'latent'
  readonly name: string
}

/** The options with the properties filled in: plain JSON, which the database holds. */
export interface LibvirtTemplate {
  readonly image?: string
  readonly imageFormat?: ImageFormat
  readonly pool?: string
  readonly diskSize?: number | string
  readonly memory?: number | string
  readonly cpus?: number
  readonly machine?: string
  readonly network?: string
  readonly acceleration?: Acceleration
  readonly boot?: DirectBoot
  readonly domain?: string
  readonly xml?: string
  readonly extraXml?: string
  readonly seed?: SeedKind
  readonly setup?: string
  readonly reset?: ResetWay
  readonly shutdownTimeout?: Duration
}

/** Options that go into the template. */
export const templateOptions = [
  'image',
  'imageFormat',
  'pool',
  'diskSize',
  'memory',
  'cpus',
  'machine',
  'network',
  'acceleration',
  'boot',
  'domain',
  'xml',
  'extraXml',
  'seed',
  'setup',
  'reset',
  'shutdownTimeout',
] as const satisfies readonly (keyof LibvirtTemplate)[]
