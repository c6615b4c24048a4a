import { stat } from 'node:fs/promises'
import type { BackendImages, ImageStamp } from '../../src/latent/images/backend-images.ts'
import { explained } from './explain-failure.ts'
import type { Lanes, LaneCallOptions } from './lanes.ts'
import { findVolume } from './machine-files.ts'
import { imagePrefix, volumeNames, volumePrefix } from './stamps.ts'
import { elementAt, element, parseXml, xmlText } from './xml.ts'

interface KeptImagesOptions {
  readonly lanes: Lanes
  readonly cluster: string
  /** Shuts a machine down, so that all it has written is on its disk. */
  readonly shutDown: (id: string, o: LaneCallOptions) => Promise<void>
}

/** Disks of machines that have provisioned an image become volumes beside them, flattened: 'default/rouse-image.1a2b3c4d5e6f.debian-ci.0123456789abcdef.qcow2'. */
export function keptImages({ cluster, lanes, shutDown }: KeptImagesOptions): BackendImages {
  return {
    identify: (from, { signal }) => explained(() => identify(lanes, from, { signal })),

    keep: (id, image, { signal }) =>
      explained(async () => {
        const o = { signal, key: id }
        await shutDown(id, o)
        const volumes = await lanes.call('listVolumes', [`${volumePrefix(cluster)}${id}.`], o)
        const found = volumes.find(({ name }) => name === volumeNames(cluster, id).disk)
        const disk = found && (await findVolume(lanes, found, o))
        if (!disk) throw new Error(`the disk of ${id} is not there`)
        const { pool } = disk
        const name = nameOf(cluster, image)
        // Of a try that was cut short.
        await lanes.call('deleteVolume', [pool, name], o)
        const capacity = textAt(disk.xml, 'capacity')
        const xml = element('volume', {}, [
          element('name', {}, [name]),
          element('capacity', { unit: 'B' }, [capacity]),
          element('allocation', {}, ['0']),
          // Instances lie over it: it is never written to.
          element('target', {}, [
            element('format', { type: 'qcow2' }),
            element('permissions', {}, [element('mode', {}, ['0444'])]),
          ]),
        ])
        await lanes.call('copyVolume', [pool, disk.name, xmlText(xml)], o)
        return `${pool}/${name}`
      }),

    list: ({ signal }) =>
      explained(async () => {
        const volumes = await lanes.call('listVolumes', [imagePrefix(cluster)], { signal })
        return volumes.map(({ name, pool }) => `${pool}/${name}`)
      }),

    remove: (ref, { signal }) =>
      explained(async () => {
        const slash = ref.indexOf('/')
        await lanes.call('deleteVolume', [ref.slice(0, slash), ref.slice(slash + 1)], { signal })
      }),
  }
}

function nameOf(cluster: string, { hash, name }: ImageStamp): string {
  return `${imagePrefix(cluster)}${name}.${hash}.qcow2`
}

/** Size and time of its last change; of a file on another machine that is in no pool, its path alone. */
async function identify(lanes: Lanes, from: string, o: LaneCallOptions): Promise<string> {
  if (!from.startsWith('/')) {
    const slash = from.indexOf('/')
    const volume = await findVolume(lanes, { pool: from.slice(0, slash), name: from.slice(slash + 1) }, o)
    if (!volume) throw new Error(`there is no volume ${from}`)
    return `${textAt(volume.xml, 'capacity')} ${textAt(volume.xml, 'target', 'timestamps', 'mtime')}`
  }
  // 'qemu:///system' is this machine's.
  if (!/^[a-z]+:\/\/\//.test(lanes.uri)) return from
  const { mtimeMs, size } = await stat(from)
  return `${size} ${mtimeMs}`
}

function textAt(xml: string, ...path: string[]): string {
  const [text] = elementAt(parseXml(xml)[0]!, ...path)?.children ?? []
  return typeof text === 'string' ? text : ''
}
