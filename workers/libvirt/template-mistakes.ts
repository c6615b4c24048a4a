import { seconds, type Duration } from '../../src/model/durations.ts'
import { messageOf } from '../../src/model/errors.ts'
import { sizeBytes } from './size-bytes.ts'
import { parseXml } from './xml.ts'

/** What is wrong with a template, 'image: missing' and so on. What is a function in it is only known when it is rendered. */
export function templateMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  const check = (name: string, good: (value: unknown) => boolean, wanted: string) => {
    const value = options[name]
    if (value === undefined || typeof value === 'function' || good(value)) return
    mistakes.push(`${name}: must be ${wanted}, got ${shown(value)}`)
  }
  const given = (name: string) => options[name] !== undefined
  if (!given('image') && !given('domain') && !given('xml'))
    mistakes.push("image: missing; write image: '/var/lib/libvirt/images/debian.qcow2', or 'pool/volume'")
  if (given('domain') && given('xml')) mistakes.push('xml: give either domain or xml, not both')
  const whole = (['domain', 'xml'] as const).find(given)
  for (const name of ['memory', 'cpus', 'machine', 'network', 'acceleration', 'boot'])
    if (whole && given(name)) mistakes.push(`${name}: comes from ${whole}, leave it out`)

  check('image', isImage, "an absolute path, or 'pool/volume'")
  check('imageFormat', oneOf('qcow2', 'raw'), "'qcow2' or 'raw'")
  check('pool', isName, 'the name of a storage pool')
  check('diskSize', isSize, "bytes, or a text like '20g'")
  check('memory', isSize, "bytes, or a text like '512m' or '2g'")
  check('cpus', (v) => Number.isInteger(v) && (v as number) > 0, 'a positive whole number')
  check('machine', isName, "the name of a machine type, like 'q35'")
  check(
    'network',
    (v) => isName(v) && v !== 'bridge:',
    "the name of a network, 'bridge:NAME', 'user' or 'none'",
  )
  check('acceleration', oneOf('auto', 'kvm', 'emulation'), "'auto', 'kvm' or 'emulation'")
  check('boot', isBoot, '{ kernel, initrd?, commandLine? } with absolute paths')
  check('domain', isName, 'the name of a domain')
  check('seed', oneOf('iso', 'fw_cfg'), "'iso' or 'fw_cfg'")
  check('setup', (v) => typeof v === 'string' && !v.includes('\0'), 'lines of shell')
  check('reset', oneOf('snapshot', 'boot'), "'snapshot' or 'boot'")
  check('shutdownTimeout', isDuration, "seconds, or a text like '30s'")
  for (const name of ['xml', 'extraXml']) {
    const mistake = xmlMistake(options[name], name === 'xml')
    if (mistake) mistakes.push(`${name}: ${mistake}`)
  }
  return mistakes
}

/** What is wrong with the URI, undefined when nothing is. */
export function uriMistake(uri: unknown): string | undefined {
  if (typeof uri === 'string' && /^[a-z]+(\+[a-z0-9]+)?:\/\/\S*$/.test(uri)) return undefined
  return `uri: must be like 'qemu:///system' or 'qemu+ssh://root@host/system', got ${shown(uri)}`
}

function xmlMistake(text: unknown, isDomain: boolean): string | undefined {
  if (text === undefined || typeof text === 'function') return undefined
  if (typeof text !== 'string') return `must be XML, got ${shown(text)}`
  try {
    const elements = parseXml(text)
    if (isDomain && (elements.length !== 1 || elements[0]!.name !== 'domain'))
      return 'must be one <domain> element'
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function isImage(value: unknown): boolean {
  return typeof value === 'string' && /^(\/|[^/\s]+\/)[^\0\n]*[^/\0\n]$/.test(value)
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[^\s/\0][^/\n\0]*$/.test(value)
}

function isSize(value: unknown): boolean {
  return sizeBytes(value) !== undefined
}

function isBoot(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { commandLine, initrd, kernel } = value as Record<string, unknown>
  const isPath = (path: unknown) =>
    typeof path === 'function' || (typeof path === 'string' && path.startsWith('/'))
  return (
    isPath(kernel) &&
    (initrd === undefined || isPath(initrd)) &&
    ['undefined', 'string', 'function'].includes(typeof commandLine)
  )
}

function isDuration(value: unknown): boolean {
  try {
    return seconds(value as Duration) >= 0
  } catch {
    return false
  }
}

function oneOf(...texts: string[]): (value: unknown) => boolean {
  return (value) => texts.includes(value as string)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
