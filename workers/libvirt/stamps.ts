import { createHash } from 'node:crypto'
import { seconds } from '../../src/model/durations.ts'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import type { ResetWay } from '../../src/latent/instance-event.ts'
import type { LibvirtTemplate } from './libvirt-options.ts'
import { element, parseXml, type XmlElement } from './xml.ts'

/** What an instance's domain carries in its metadata. */
export interface Stamp {
  readonly cluster: string
  readonly worker: string
  readonly id: string
  /** The instance's place in the worker's pool, for people. */
  readonly name: string
  readonly generation: number
  readonly expires: string
  readonly reset: ResetWay | undefined
  /** Seconds. */
  readonly shutdownTimeout: number
  /** Whether it has run: what has and does not any more has ended by itself. */
  readonly started: boolean
}

export const namespace = 'urn:rouse:instance:1'
export const prefix = 'rouse'

export function stampOf(spec: InstanceSpec<LibvirtTemplate>, cluster: string, started: boolean): Stamp {
  const { expiresAt, generation, id, name, template, worker } = spec
  return {
    ...{ cluster, worker, id, name, generation, started },
    expires: expiresAt.toISOString(),
    reset: template.reset,
    shutdownTimeout: seconds(template.shutdownTimeout ?? '10s'),
  }
}

/** As it stands in a domain's XML. */
export function stampElement(stamp: Stamp): XmlElement {
  const { attributes } = bareStamp(stamp)
  return element(`${prefix}:instance`, { [`xmlns:${prefix}`]: namespace, ...attributes })
}

/** Without its namespace, which libvirt adds to what it is given to put into the metadata. */
export function bareStamp(stamp: Stamp): XmlElement {
  const entries = Object.entries(stamp).map(([key, value]) => [
    key,
    (value as Stamp[keyof Stamp])?.toString(),
  ])
  return element('instance', Object.fromEntries(entries) as Record<string, string>)
}

/** Undefined for metadata that is not Rouse's, or that somebody has broken. */
export function readStamp(metadata: string | undefined): Stamp | undefined {
  if (metadata === undefined) return undefined
  let found: XmlElement | undefined
  try {
    found = parseXml(metadata)[0]
  } catch {
    return undefined
  }
  const { cluster, expires = '', id, name = '', reset, worker = '', ...numbers } = found?.attributes ?? {}
  if (cluster === undefined || id === undefined) return undefined
  return {
    ...{ cluster, expires, id, name, worker },
    reset: reset as ResetWay | undefined,
    generation: Number(numbers.generation),
    shutdownTimeout: Number(numbers.shutdownTimeout) || 0,
    started: numbers.started === 'true',
  }
}

/** Volumes have no metadata: their names tell whose they are. */
export function volumePrefix(cluster: string): string {
  return `rouse.${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}.`
}

export function volumeNames(cluster: string, id: string): { readonly disk: string; readonly seed: string } {
  const prefix = volumePrefix(cluster)
  return { disk: `${prefix}${id}.qcow2`, seed: `${prefix}${id}.seed` }
}

/** The id of the instance that a volume was made for. */
export function volumeInstance(cluster: string, name: string): string | undefined {
  const prefix = volumePrefix(cluster)
  return name.startsWith(prefix) ? name.slice(prefix.length).replace(/\.(qcow2|seed)$/, '') : undefined
}

/** Of an instance's domain: always the same, as its name is. */
export function uuidOf(cluster: string, id: string): string {
  const hash = createHash('sha256').update(`${cluster}\0${id}`).digest('hex')
  // Version 8: made as the application likes.
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
