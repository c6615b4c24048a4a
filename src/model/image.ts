/**
 *     building ─► storing ─► ready ─► removing ─► removed ─► building, when it is wanted again
 *         └──► failed ◄─┘
 */
export type ImageState = 'building' | 'storing' | 'ready' | 'failed' | 'removing' | 'removed'

export interface ImageOptions {
  /** The image to begin with, as the workers that use it would name it: 'debian:12', '/var/lib/libvirt/images/debian.qcow2', 'pool/volume'. */
  readonly from: string
  /** What is done on a machine made of it, in this order, as root. */
  readonly provision: readonly Provision[]
  /** Of the machine's disk: bytes, or '20g'. Default: the worker's. For virtual machines only. */
  readonly size?: number | string
  /** How many are kept that its name does not stand for any more, for a rollback. Default 2. */
  readonly keep?: number
}

/** A line of shell; a script of the config's folder; a file of it that is copied. */
export type Provision = string | ProvisionScript | ProvisionFile

export interface ProvisionScript {
  /** Relative to the config. It begins with '#!'. */
  readonly script: string
}

export interface ProvisionFile {
  /** Relative to the config. */
  readonly file: string
  /** An absolute path on the machine. */
  readonly to: string
  /** Permissions. Default 0o644. */
  readonly mode?: number
}

/** What `image('name', { ... })` gives: an entry of the config's `images`. */
export interface ImageConfig extends ImageOptions {
  readonly kind: 'image'
  readonly name: string
}

/** What a worker's `image` takes: what `image('name')` or `image('name', { ... })` gives. */
export interface ImageReference {
  readonly kind: 'image'
  readonly name: string
}

export function isImageReference(value: unknown): value is ImageReference {
  if (typeof value !== 'object' || value === null) return false
  const { kind, name } = value as Partial<Record<string, unknown>>
  return kind === 'image' && typeof name === 'string'
}

/** The builder that provisions an image, and its worker. No name in a config has a colon. */
export function imageBuilder(name: string): string {
  return `image:${name}`
}

/** The builder that tries an image out, and its worker. */
export function imageTester(name: string): string {
  return `image-test:${name}`
}

/** The property of a build that says which image it is about. */
export const imageHashProperty = 'image-hash'
