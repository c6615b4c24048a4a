import type { ImageConfig, ProvisionFile, ProvisionScript } from '../model/image.ts'
import { check, count, listOf, optional, options, path, text, type Check } from './checks.ts'
import { isPlainObject } from './is-plain-object.ts'

export const checkImage: Check = (value, place) => {
  if (!isPlainObject(value) || value.kind !== 'image')
    return place.mustBe("an image such as image('debian-ci', { from: 'debian:12', provision: [...] })", value)
  known(value, place)
}

const checkProvision: Check = (value, place) => {
  if (isPlainObject(value) && 'file' in value) return file(value, place)
  if (isPlainObject(value) && 'script' in value) return script(value, place)
  if (typeof value !== 'string' || value.trim() === '' || value.includes('\0'))
    place.mustBe(
      "a line of shell, { script: './setup.sh' } or { file: './ca.pem', to: '/etc/ca.pem' }",
      value,
    )
}

const script = options<ProvisionScript>('a script', { script: path })
const file = options<ProvisionFile>('a file', {
  file: path,
  to: check('an absolute path', (value) => typeof value === 'string' && /^\/[^\0]*[^/\0]$/.test(value)),
  mode: optional(
    check(
      'permissions such as 0o755',
      (v) => Number.isInteger(v) && (v as number) >= 0 && (v as number) <= 0o7777,
    ),
  ),
})

const known = options<ImageConfig>('an image', {
  kind: () => {},
  name: check(
    "a name of lower-case letters, digits and single '-' that has at most 40",
    (value) => typeof value === 'string' && value.length <= 40 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value),
  ),
  from: text,
  provision: listOf('step', checkProvision),
  size: optional(
    check(
      "bytes, or a text like '20g'",
      (value) =>
        (Number.isSafeInteger(value) && (value as number) > 0) ||
        (typeof value === 'string' && /^[1-9]\d*\s*[kmgt]?i?b?$/i.test(value)),
    ),
  ),
  keep: optional(count),
})
