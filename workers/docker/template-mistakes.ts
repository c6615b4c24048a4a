import { isSecretName } from '../../src/model/secret.ts'
import { memoryBytes } from './memory-bytes.ts'
import { parseVolume } from './parse-volume.ts'
import { rouseFolder } from './paths.ts'

/** What is wrong with a template, 'image: missing' and so on. What is a function in it is only known when it is rendered. */
export function templateMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  const check = (name: string, good: (value: unknown) => boolean, wanted: string) => {
    const value = options[name]
    if (value === undefined || typeof value === 'function' || good(value)) return
    mistakes.push(`${name}: must be ${wanted}, got ${shown(value)}`)
  }
  if (options.image === undefined && options.build === undefined)
    mistakes.push("image: missing; write image: 'node:24', or build: { context: '.' }")
  if (options.image !== undefined && options.build !== undefined)
    mistakes.push('image: give either image or build, not both')
  check('image', isImageName, "the name of an image, like 'node:24'")
  check('pull', (v) => v === 'missing' || v === 'always' || v === 'never', "'missing', 'always' or 'never'")
  check('auth', isAuth, "{ username, password: secret('NAME') }")
  check('build', isBuild, '{ context, dockerfile?, args?, target? } with texts')
  check(
    'command',
    (v) => isTexts(v) && v.length > 0,
    "a list of texts, like ['/bin/sh', '-c', 'exec /rouse/agent']",
  )
  if (Array.isArray(options.volumes)) {
    options.volumes.forEach((volume, i) => {
      if (typeof volume === 'function') return
      const parsed = parseVolume(volume)
      if (!parsed) mistakes.push(`volumes[${i}]: must be 'src:dst' or 'src:dst:ro', got ${shown(volume)}`)
      else if (`${parsed.target}/`.startsWith(`${rouseFolder}/`) || parsed.target === '/')
        mistakes.push(`volumes[${i}]: ${parsed.target} is Rouse's own`)
    })
  } else check('volumes', () => false, "a list like ['/srv/cache:/cache:ro']")
  check('env', isEnvironment, 'an object of texts')
  check('network', (v) => typeof v === 'string' && v !== '', 'the name of a network')
  check('memory', (v) => memoryBytes(v) !== undefined, "bytes, or a text like '512m' or '2g'")
  check('cpus', (v) => typeof v === 'number' && Number.isFinite(v) && v > 0, 'a positive number')
  check(
    'hostname',
    (v) => typeof v === 'string' && /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$/.test(v),
    'the name of a host',
  )
  check('user', (v) => typeof v === 'string' && v !== '', "'name', 'uid' or 'uid:gid'")
  check('init', (v) => typeof v === 'boolean', 'true or false')
  check('privileged', (v) => typeof v === 'boolean', 'true or false')
  check('hostConfig', isObject, "an object: the Docker Engine API's HostConfig")
  return mistakes
}

function isImageName(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 500 && /^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$/.test(value)
}

// The password is its secret's name already.
function isAuth(value: unknown): boolean {
  if (!isObject(value)) return false
  const { password, server, username } = value
  return (
    typeof username === 'string' &&
    isSecretName(password) &&
    (server === undefined || typeof server === 'string')
  )
}

function isBuild(value: unknown): boolean {
  if (!isObject(value) || typeof value.context !== 'string' || !value.context) return false
  const { args, dockerfile, target } = value
  return (
    [dockerfile, target].every((v) => v === undefined || typeof v === 'string') &&
    (args === undefined || isEnvironment(args))
  )
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'string' || typeof v === 'function')
}

function isEnvironment(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([name, v]) =>
        /^[^=\0]+$/.test(name) && (typeof v === 'function' || (typeof v === 'string' && !v.includes('\0'))),
    )
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
