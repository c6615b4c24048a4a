/** What is wrong with a template, 'ami: missing' and so on. What is a function in it is only known when it is rendered. */
export function templateMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  const check = (name: string, good: (value: unknown) => boolean, wanted: string) => {
    const value = options[name]
    if (value === undefined || typeof value === 'function' || good(value)) return
    mistakes.push(`${name}: must be ${wanted}, got ${shown(value)}`)
  }
  if (options.ami === undefined)
    mistakes.push("ami: missing; write ami: 'ami-...', or ami: { owners: ['self'], name: 'ci-*' }")
  if (options.instanceType === undefined)
    mistakes.push("instanceType: missing; write instanceType: 'c7i.large'")
  check('ami', isImage, "'ami-...', 'OWNER/pattern-*' or { owners: [...], name: 'pattern-*', architecture? }")
  check('instanceType', isOneOrMore, "'c7i.large', or a list of such names")
  check('subnetId', isOneOrMore, "'subnet-...', or a list of such ids")
  check('securityGroupIds', isTexts, "a list like ['sg-...']")
  check('keypairName', isText, 'the name of a key pair')
  check('instanceProfileName', isText, 'the name or the ARN of an instance profile')
  check(
    'placement',
    (v) =>
      isText(v) ||
      isRecord(v, { availabilityZone: isText, groupName: isText, tenancy: isText, hostId: isText }),
    'an availability zone, or { availabilityZone?, groupName?, tenancy?, hostId? }',
  )
  check(
    'blockDeviceMap',
    (v) => isListOf(v, (device) => isRecord(device, blockDevice) && 'deviceName' in device),
    "a list like [{ deviceName: '/dev/xvda', size: 40, type: 'gp3' }]",
  )
  check(
    'volumes',
    (v) =>
      isListOf(
        v,
        (one) => isRecord(one, { volumeId: isText, device: isText }) && Object.keys(one).length === 2,
      ),
    "a list like [{ volumeId: 'vol-...', device: '/dev/sdf' }]",
  )
  check('elasticIp', (v) => typeof v === 'boolean' || isText(v), "true, 'eipalloc-...' or an address")
  check('tags', isTags, "an object of texts; names that begin with 'rouse.' or 'aws:' are taken")
  check(
    'spot',
    (v) =>
      typeof v === 'boolean' ||
      isRecord(v, { maxPrice: isPositive, fallback: (f) => typeof f === 'boolean' }),
    'true, false or { maxPrice?: 0.05, fallback?: true }',
  )
  if (options.idle === 'stop' && typeof options.spot !== 'function' && Boolean(options.spot))
    mistakes.push(
      "idle: a spot instance cannot be stopped and started again; leave out spot, or write idle: 'terminate'",
    )
  return mistakes
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && value !== ''
const isPositive: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value > 0
const isTexts: Check = (value) => isListOf(value, (one) => isText(one) || typeof one === 'function')
const isOneOrMore: Check = (value) => isText(value) || (isTexts(value) && (value as unknown[]).length > 0)

const isImage: Check = (value) =>
  (typeof value === 'string' && /^(ami-[0-9a-z-]+|[\w-]+\/.+)$/.test(value)) ||
  (isRecord(value, { owners: isTexts, name: isText, architecture: isText }) &&
    'name' in value &&
    Array.isArray(value.owners) &&
    value.owners.length > 0)

const blockDevice: Readonly<Record<string, Check>> = {
  deviceName: isText,
  size: isPositive,
  type: isText,
  iops: isPositive,
  throughput: isPositive,
  encrypted: (value) => typeof value === 'boolean',
  kmsKeyId: isText,
  snapshotId: isText,
}

function isTags(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, text]) =>
      name.length > 0 &&
      name.length <= 128 &&
      !/^(rouse\.|aws:)/i.test(name) &&
      (typeof text === 'function' || (typeof text === 'string' && text.length <= 256)),
  )
}

function isListOf(value: unknown, good: Check): boolean {
  return Array.isArray(value) && value.every(good)
}

/** An object with these keys only, each of which may be missing or a function. */
function isRecord(value: unknown, keys: Readonly<Record<string, Check>>): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([key, v]) => v === undefined || typeof v === 'function' || keys[key]?.(v) === true,
  )
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
