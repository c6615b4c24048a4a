import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../../src/model/errors.ts'

type Fields = Readonly<Record<string, unknown>>

/** One cloud of clouds.yaml, with what secure.yaml beside it adds. */
export async function readCloud(
  name: string,
  { configDir, env, file }: { configDir: string; env: NodeJS.ProcessEnv; file?: string | undefined },
): Promise<Fields> {
  const { parse } = await import('yaml')
  const given = file === undefined ? env.OS_CLIENT_CONFIG_FILE : resolve(configDir, file)
  const places = given
    ? [given]
    : [configDir, join(homedir(), '.config/openstack'), '/etc/openstack'].map((dir) =>
        join(dir, 'clouds.yaml'),
      )
  for (const place of places) {
    const clouds = await cloudsOf(place, parse)
    if (!clouds) continue
    const cloud = clouds[name]
    if (!isFields(cloud))
      throw new Error(
        `cloud: ${place} has no cloud "${name}"; it has ${Object.keys(clouds).join(', ') || 'none'}`,
      )
    if (cloud.profile !== undefined)
      throw new Error(
        `cloud: "${name}" in ${place} has a profile, which Rouse does not know: write auth_url there`,
      )
    const secure = (await cloudsOf(join(dirname(place), 'secure.yaml'), parse))?.[name]
    return isFields(secure) ? merged(cloud, secure) : cloud
  }
  throw new Error(`cloud: there is no ${places.join(' and no ')}`)
}

async function cloudsOf(file: string, parse: (text: string) => unknown): Promise<Fields | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`cloud: ${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  let content: unknown
  try {
    content = parse(text)
  } catch (error) {
    // Its message quotes the file, which may have a password there.
    const { line } = (error as { linePos?: [{ line: number }] }).linePos?.[0] ?? {}
    throw new Error(`cloud: ${file} is no YAML${line === undefined ? '' : ` (line ${line})`}`)
  }
  const { clouds } = Object(content) as { clouds?: unknown }
  if (!isFields(clouds)) throw new Error(`cloud: ${file} has no 'clouds:'`)
  return clouds
}

function merged(one: Fields, other: Fields): Fields {
  const both = Object.entries(other).map(([key, value]) => {
    const before = one[key]
    return [key, isFields(value) && isFields(before) ? merged(before, value) : value]
  })
  return { ...one, ...(Object.fromEntries(both) as Fields) }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
