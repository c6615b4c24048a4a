import { BackendError } from '../../src/latent/backend-error.ts'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import { firstDisk } from './domain-xml.ts'
import type { Lanes, LaneCallOptions } from './lanes.ts'
import type { LibvirtTemplate } from './libvirt-options.ts'
import { seedOf } from './seed.ts'
import { sizeBytes } from './size-bytes.ts'
import { volumeNames } from './stamps.ts'
import type { VolumeName } from './storage-calls.ts'
import { element, elementAt, parseXml, xmlText, type XmlElement } from './xml.ts'

export interface MachineFiles {
  /** Paths on libvirt's host. */
  readonly disk: string
  readonly seed: string
}

/**
 * Makes an instance's disk, an overlay over its base image, and its seed, both anew: whatever is there was left by a start
 * that was cut short. Throws LibvirtError, and BackendError REJECTED when there is no such image.
 */
export async function makeFiles(
  lanes: Lanes,
  spec: InstanceSpec<LibvirtTemplate>,
  { cluster, isTest, model }: { cluster: string; isTest: boolean; model: XmlElement | undefined },
  o: LaneCallOptions,
): Promise<MachineFiles> {
  const { pool = 'default', seed: seedKind, diskSize } = spec.template
  const base = await baseImage(lanes, spec.template, model, o)
  const names = volumeNames(cluster, spec.id)
  const disk = volumeXml(names.disk, { format: 'qcow2', capacity: sizeBytes(diskSize), base })
  const content = seedOf(spec)
  // QEMU itself opens what it hands over by its firmware, and libvirt lends it that file not.
  const owner = seedKind === 'fw_cfg' ? await userOfQemu(lanes, o) : undefined
  const seed = volumeXml(names.seed, { format: 'raw', capacity: content.length, owner })
  const made = { disk: '', seed: '' }
  for (const [part, xml] of [
    ['disk', disk],
    ['seed', seed],
  ] as const) {
    await lanes.call('deleteVolume', [pool, names[part]], o)
    made[part] = (await lanes.call('createVolume', [pool, names[part], xmlText(xml)], o)).path
  }
  if (!isTest) await lanes.call('uploadVolume', [pool, names.seed, content], o)
  return made
}

export async function removeVolumes(
  lanes: Lanes,
  volumes: readonly VolumeName[],
  o: LaneCallOptions,
): Promise<void> {
  for (const { name, pool } of volumes) await lanes.call('deleteVolume', [pool, name], o)
}

interface Base {
  readonly path: string
  readonly format: string
}

async function baseImage(
  lanes: Lanes,
  { image, imageFormat }: LibvirtTemplate,
  model: XmlElement | undefined,
  o: LaneCallOptions,
): Promise<Base> {
  if (image === undefined) {
    const disk = model && firstDisk(model)
    if (!disk) throw new BackendError('REJECTED', 'image: missing, and the domain has no disk that is a file')
    return { ...disk, format: imageFormat ?? disk.format }
  }
  if (image.startsWith('/')) return { path: image, format: imageFormat ?? 'qcow2' }
  const slash = image.indexOf('/')
  const [pool, name] = [image.slice(0, slash), image.slice(slash + 1)]
  let found = await lanes.call('findVolume', [pool, name], o)
  if (!found) {
    await lanes.call('refreshPool', [pool], o)
    found = await lanes.call('findVolume', [pool, name], o)
  }
  if (!found) throw new BackendError('REJECTED', `image: pool ${pool} has no volume ${name}`)
  const format = elementAt(parseXml(found.xml)[0]!, 'target', 'format')?.attributes.type
  return { path: found.path, format: imageFormat ?? format ?? 'qcow2' }
}

function volumeXml(
  name: string,
  o: { format: string; capacity: number | undefined; base?: Base; owner?: Owner | undefined },
): XmlElement {
  const { base, capacity, format, owner } = o
  const permissions = owner
    ? [
        element('permissions', {}, [
          element('mode', {}, ['0400']),
          element('owner', {}, [owner.user]),
          element('group', {}, [owner.group]),
        ]),
      ]
    : []
  return element('volume', {}, [
    element('name', {}, [name]),
    ...(capacity === undefined ? [] : [element('capacity', { unit: 'B' }, [String(capacity)])]),
    element('allocation', {}, ['0']),
    element('target', {}, [element('format', { type: format }), ...permissions]),
    ...(base
      ? [
          element('backingStore', {}, [
            element('path', {}, [base.path]),
            element('format', { type: base.format }),
          ]),
        ]
      : []),
  ])
}

interface Owner {
  readonly user: string
  readonly group: string
}

/** Undefined where machines run as the user that libvirt runs as. */
async function userOfQemu(lanes: Lanes, o: LaneCallOptions): Promise<Owner | undefined> {
  const text = await lanes.call('capabilities', [], o)
  const [, user, group] = /<model>dac<\/model>[^]*?<baselabel[^>]*>\+(\d+):\+(\d+)</.exec(text) ?? []
  return user === undefined ? undefined : { user, group: group! }
}
