import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { MasterFile } from '../../master-file.ts'
import { messageOf, RouseError } from '../../model/errors.ts'

export interface MasterAddress {
  /** Without a slash at the end. */
  readonly url: string
  /** Where the address was found, for messages: 'from --url', 'the default address'. */
  readonly from: string
}

export interface FindOptions {
  readonly url?: string | undefined
  readonly config?: string | undefined
}

/** The master's address: --url, --config, ROUSE_URL, ./rouse-data/master.json or the default; the first that is given. */
export async function findMaster(
  options: FindOptions,
  { env = process.env, cwd = process.cwd() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<MasterAddress> {
  if (options.url !== undefined) return { url: checkedUrl(options.url, '--url'), from: 'from --url' }
  if (options.config === undefined && env.ROUSE_URL)
    return { url: checkedUrl(env.ROUSE_URL, 'ROUSE_URL'), from: 'from ROUSE_URL' }
  const { file, master } = await readMasterFile(options, cwd)
  if (master) return { url: checkedUrl(master.url, file), from: `from ${path.relative(cwd, file)}` }
  if (options.config !== undefined)
    throw new RouseError(
      'ROUSE_MASTER_UNREACHABLE',
      `no master runs with ${options.config}: there is no ${file}`,
    )
  return { url: defaultUrl, from: 'the default address' }
}

/** The master.json of the config's data folder, or of ./rouse-data; `master` is undefined when there is none. */
export async function readMasterFile(
  { config }: FindOptions,
  cwd = process.cwd(),
): Promise<{ file: string; master: MasterFile | undefined }> {
  const file = path.join(await dataDirOf(config, cwd), 'master.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file, master: undefined }
    throw new RouseError('ROUSE_MASTER_UNREACHABLE', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return { file, master: parsed(text) }
}

async function dataDirOf(configFile: string | undefined, cwd: string): Promise<string> {
  if (configFile === undefined) return path.join(cwd, 'rouse-data')
  const { loadConfig } = await import('../../config/load-config.ts')
  const { config, dir } = await loadConfig({ configFile, cwd, env: process.env })
  const { dataDir } = config as { dataDir?: unknown }
  return path.resolve(dir, typeof dataDir === 'string' ? dataDir : 'rouse-data')
}

// A master that died while it wrote the file leaves something that is not JSON: then there is none.
function parsed(text: string): MasterFile | undefined {
  try {
    const { url, pid } = JSON.parse(text) as Record<string, unknown>
    return typeof url === 'string' && typeof pid === 'number' ? { url, pid } : undefined
  } catch {
    return undefined
  }
}

function checkedUrl(text: string, from: string): string {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `http://${text}`)
  const advice = 'Write the address of the page, such as http://127.0.0.1:8010.'
  if (!url) throw new RouseError('ROUSE_USAGE', `${from} is not an address: ${text}`, { advice })
  if (url.username || url.password)
    throw new RouseError('ROUSE_USAGE', `${from} holds a name or password, which a master does not take`, {
      advice,
    })
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

const defaultUrl = 'http://127.0.0.1:8010'
