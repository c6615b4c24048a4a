import type { LibvirtTemplate } from './libvirt-options.ts'
import { sizeBytes } from './size-bytes.ts'
import { element, elementAt, elementsOf, parseXml, type XmlElement, type XmlNode } from './xml.ts'

/** What a domain is made like: one of the user's, or one of the template's options. */
export interface DomainModel {
  readonly template: LibvirtTemplate
  /** The domain of `domain` or `xml`. */
  readonly model: XmlElement | undefined
  /** 'kvm', 'qemu', 'test': for a domain of the template's options. */
  readonly type: string
}

export interface DomainParts {
  readonly name: string
  readonly uuid: string
  readonly title: string
  readonly stamp: XmlElement
  /** Paths of the instance's own volumes. */
  readonly disk: string
  readonly seed: string
}

/** The domain of an instance. Throws SyntaxError with what the user's XML does not allow. */
export function domainXml({ model, template, type }: DomainModel, parts: DomainParts): XmlElement {
  const plain = model ?? ownModel(template, type)
  const base = withExtra(plain, template.extraXml)
  const ours = [
    element('name', {}, [parts.name]),
    element('uuid', {}, [parts.uuid]),
    element('title', {}, [parts.title]),
    element('metadata', {}, [...keptMetadata(base), parts.stamp]),
  ]
  const kept = elementsOf(base).filter(({ name }) => !replaced.has(name))
  return {
    ...base,
    attributes: withoutId(base.attributes),
    children: [
      ...ours,
      ...kept.map((one) => (one.name === 'os' ? withoutVariables(one) : one)),
      ...seedOverFirmware(template, parts),
      // One that has ended stays ended, so that it is seen.
      element('on_poweroff', {}, ['destroy']),
      element('on_crash', {}, ['destroy']),
      devicesXml({ devices: devicesOf(base), first: devicesOf(plain).find(isDisk), parts, template, type }),
    ],
  }
}

/** The path of the first disk, with its format: what instances are made over when the template names no image. */
export function firstDisk(model: XmlElement): { path: string; format: string } | undefined {
  const disk = devicesOf(model).find(isDisk)
  const path = disk && elementAt(disk, 'source')?.attributes.file
  return path === undefined
    ? undefined
    : { path, format: elementAt(disk!, 'driver')?.attributes.type ?? 'raw' }
}

/** The virtio-serial port by which a machine that is reset gets its token. */
export const agentPort = 'ci.rouse.agent'
export const seedFirmwareName = 'opt/ci.rouse/user-data'

function ownModel(template: LibvirtTemplate, type: string): XmlElement {
  const { boot, cpus = 1, machine, memory = '2g', network = 'default' } = template
  const direct = boot
    ? [
        element('kernel', {}, [boot.kernel]),
        ...(boot.initrd === undefined ? [] : [element('initrd', {}, [boot.initrd])]),
        ...(boot.commandLine === undefined ? [] : [element('cmdline', {}, [boot.commandLine])]),
      ]
    : [element('boot', { dev: 'hd' })]
  const plain = [
    element('memory', { unit: 'b' }, [String(sizeBytes(memory))]),
    element('vcpu', {}, [String(cpus)]),
    element('os', {}, [element('type', { machine }, ['hvm']), ...direct]),
  ]
  if (type === 'test') return element('domain', { type }, plain)
  return element('domain', { type }, [
    ...plain,
    // For a new start of the random numbers of a machine that was taken back.
    ...(template.reset === 'snapshot' ? [element('genid')] : []),
    element('features', {}, [element('acpi'), element('apic')]),
    element('cpu', { mode: 'maximum' }),
    element('devices', {}, [
      ...interfaceXml(network),
      element('serial', { type: 'pty' }),
      element('console', { type: 'pty' }),
      element('rng', { model: 'virtio' }, [element('backend', { model: 'random' }, ['/dev/urandom'])]),
      element('memballoon', { model: 'none' }),
    ]),
  ])
}

function interfaceXml(network: string): XmlElement[] {
  const model = element('model', { type: 'virtio' })
  if (network === 'none') return []
  if (network === 'user') return [element('interface', { type: 'user' }, [model])]
  const bridge = network.startsWith('bridge:') ? network.slice('bridge:'.length) : undefined
  const source = element('source', bridge === undefined ? { network } : { bridge })
  return [element('interface', { type: bridge === undefined ? 'network' : 'bridge' }, [source, model])]
}

interface Devices {
  readonly devices: readonly XmlElement[]
  /** The disk that the instance's own takes the place of. */
  readonly first: XmlElement | undefined
  readonly parts: DomainParts
  readonly template: LibvirtTemplate
  readonly type: string
}

function devicesXml({ devices, first, parts, template, type }: Devices): XmlElement {
  const disks = devices.filter(({ name }) => name === 'disk')
  const shared = disks.find(
    (disk) => disk !== first && isDisk(disk) && !sharable.some((name) => elementAt(disk, name)),
  )
  if (shared)
    throw new SyntaxError(
      `the domain has a second disk (${elementAt(shared, 'target')?.attributes.dev}), which instances would share: make it <readonly/> or <transient/>`,
    )
  const rest = devices
    .filter((device) => device !== first)
    .map((device) => (device.name === 'interface' ? withoutNames(device) : device))
  const taken = disks.map((disk) => elementAt(disk, 'target')?.attributes.dev)
  const disk = diskXml(first, parts.disk, taken)
  const seed =
    template.seed === 'fw_cfg' || type === 'test' ? [] : [seedXml(parts.seed, [...taken, targetOf(disk)])]
  return element('devices', {}, [disk, ...seed, ...rest, ...(template.reset === 'snapshot' ? [portXml] : [])])
}

/** The instance's own disk in the place of the model's first. */
function diskXml(
  first: XmlElement | undefined,
  path: string,
  taken: readonly (string | undefined)[],
): XmlElement {
  const driver = first && elementAt(first, 'driver')
  const kept = first
    ? elementsOf(first).filter(({ name }) => !['source', 'driver', 'backingStore', 'readonly'].includes(name))
    : [element('target', { dev: freeTarget(taken), bus: 'virtio' })]
  return element('disk', { type: 'file', device: 'disk' }, [
    element('driver', { name: 'qemu', ...driver?.attributes, type: 'qcow2' }),
    element('source', { file: path }),
    ...kept,
  ])
}

function seedXml(path: string, taken: readonly (string | undefined)[]): XmlElement {
  return element('disk', { type: 'file', device: 'disk' }, [
    element('driver', { name: 'qemu', type: 'raw' }),
    element('source', { file: path }),
    element('target', { dev: freeTarget(taken), bus: 'virtio' }),
    element('readonly'),
  ])
}

function seedOverFirmware(template: LibvirtTemplate, parts: DomainParts): XmlElement[] {
  if (template.seed !== 'fw_cfg') return []
  return [
    element('sysinfo', { type: 'fwcfg' }, [element('entry', { name: seedFirmwareName, file: parts.seed })]),
  ]
}

const portXml = element('channel', { type: 'unix' }, [element('target', { type: 'virtio', name: agentPort })])

function withExtra(base: XmlElement, extra: string | undefined): XmlElement {
  if (extra === undefined) return base
  const added = parseXml(extra)
  // Elements that a domain has once are replaced, and those of <devices> are gathered.
  const names = new Set(added.map(({ name }) => name).filter((name) => !several.has(name)))
  return { ...base, children: [...elementsOf(base).filter(({ name }) => !names.has(name)), ...added] }
}

function keptMetadata(base: XmlElement): XmlNode[] {
  return elementsOf(base, 'metadata').flatMap((one) => elementsOf(one))
}

function withoutId({ id: _id, ...attributes }: Readonly<Record<string, string>>): Record<string, string> {
  return attributes
}

/** A firmware's variables are a file of the model's own; libvirt makes one for each instance. */
function withoutVariables(os: XmlElement): XmlElement {
  const children = elementsOf(os).map((one) => (one.name === 'nvram' ? { ...one, children: [] } : one))
  return { ...os, children }
}

/** What two machines must not share. */
function withoutNames(network: XmlElement): XmlElement {
  return {
    ...network,
    children: elementsOf(network).filter(({ name }) => name !== 'mac' && name !== 'target'),
  }
}

function devicesOf(domain: XmlElement): XmlElement[] {
  return elementsOf(domain, 'devices').flatMap((devices) => elementsOf(devices))
}

function isDisk({ attributes, name }: XmlElement): boolean {
  return name === 'disk' && (attributes.device ?? 'disk') === 'disk'
}

function targetOf(disk: XmlElement): string | undefined {
  return elementAt(disk, 'target')?.attributes.dev
}

function freeTarget(taken: readonly (string | undefined)[]): string {
  const names = 'abcdefghijklmnopqrstuvwxyz'.split('').map((letter) => `vd${letter}`)
  return names.find((name) => !taken.includes(name)) ?? 'vdz'
}

const replaced = new Set(['name', 'uuid', 'title', 'metadata', 'devices', 'on_poweroff', 'on_crash'])
const sharable = ['readonly', 'shareable', 'transient']
const several = new Set(['devices', 'metadata', 'sysinfo', 'seclabel'])
