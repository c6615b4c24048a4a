/** What is wrong with a template, 'image: missing' and so on. What is a function in it is only known when it is rendered. */
export function templateMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  const check = (name: string, good: Check, wanted: string) => {
    const value = options[name]
    if (value === undefined || typeof value === 'function' || good(value)) return
    mistakes.push(`${name}: must be ${wanted}, got ${shown(value)}`)
  }
  if (options.image === undefined) mistakes.push("image: missing; write image: 'debian-13'")
  if (options.flavor === undefined) mistakes.push("flavor: missing; write flavor: 'm1.small'")
  if (options.size !== undefined)
    mistakes.push('size: an image of OpenStack has the disk of its flavor; leave it out')
  check('image', isText, 'the name or the id of an image')
  check('flavor', isText, 'the name or the id of a flavor')
  check(
    'volume',
    (v) => isRecord(v, { size: isGiB, type: isText }) && 'size' in v,
    "a size in GiB and perhaps a type: { size: 40, type: 'ssd' }",
  )
  check(
    'networks',
    (v) => v === 'auto' || v === 'none' || (isTexts(v) && v.length > 0),
    "'auto', 'none' or a list like ['ci-net']",
  )
  check('securityGroups', isTexts, "a list like ['ci']")
  check('keyName', isText, 'the name of a key pair')
  check('availabilityZone', isText, 'the name of a zone')
  check('serverGroup', isText, 'the name or the id of a server group')
  check(
    'floatingIp',
    (v) => typeof v === 'boolean' || isText(v) || (isRecord(v, { network: isText }) && 'network' in v),
    "true, { network: 'public' } or an address",
  )
  check('configDrive', (v) => typeof v === 'boolean', 'true or false')
  check(
    'metadata',
    isMetadata,
    "an object of texts of 255 bytes at most; names that begin with 'rouse.' are taken",
  )
  return mistakes
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && value !== ''
const isGiB: Check = (value) => Number.isInteger(value) && (value as number) > 0

function isTexts(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.every((one) => isText(one) || typeof one === 'function')
}

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, text]) =>
      /^[\w\-:. ]{1,255}$/.test(name) &&
      !/^rouse\./i.test(name) &&
      (typeof text === 'function' || (typeof text === 'string' && Buffer.byteLength(text) <= 255)),
  )
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
