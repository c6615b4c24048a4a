import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { RouseError } from '../model/errors.ts'

export interface ConfigPlace {
  /** The file to look for, or a folder that holds a master.config.ts. Default: the one in `cwd`. */
  readonly configFile?: string | undefined
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The config's own file and, in the order they are merged, the overlays that exist beside it. All paths are absolute. */
export async function findConfig({ configFile, cwd, env }: ConfigPlace): Promise<string[]> {
  const file = await findBase(resolve(cwd, configFile ?? '.'), configFile)
  const stem = basename(file, extname(file))
  const files = [file]
  for (const variant of new Set([environmentName(env), 'local'])) {
    const overlay = variant && (await firstFile(dirname(file), `${stem}.${variant}`))
    if (overlay) files.push(overlay)
  }
  return files
}

async function findBase(path: string, asked: string | undefined): Promise<string> {
  if (await isFile(path)) return path
  const inFolder = await firstFile(path, 'master.config')
  if (inFolder) return inFolder
  throw new RouseError(
    'ROUSE_CONFIG_NOT_FOUND',
    asked === undefined ? `there is no master.config.ts in ${path}` : `there is no config file ${path}`,
  )
}

function environmentName(env: ConfigPlace['env']): string | undefined {
  const name = env.ROUSE_ENV
  if (!name || /^[A-Za-z0-9_-]+$/.test(name)) return name
  throw new RouseError('ROUSE_CONFIG_NOT_FOUND', `ROUSE_ENV is not a name: ${JSON.stringify(name)}`, {
    advice: "Set ROUSE_ENV to letters, digits, '-' and '_': 'production' takes master.config.production.ts.",
  })
}

async function firstFile(folder: string, stem: string): Promise<string | undefined> {
  for (const extension of extensions) {
    const file = join(folder, stem + extension)
    if (await isFile(file)) return file
  }
  return undefined
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw new RouseError('ROUSE_CONFIG_NOT_FOUND', `cannot look at ${path}`, { cause: error })
  }
}

const extensions = ['.ts', '.mts', '.mjs', '.js']
