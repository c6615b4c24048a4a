import { dirname } from 'node:path'
import { RouseError } from '../model/errors.ts'
import { deepFreeze } from './deep-freeze.ts'
import { findConfig, type ConfigPlace } from './find-config.ts'
import { importUserFile } from './import-user-file.ts'
import { mergeConfigs } from './merge.ts'

export interface LoadOptions extends ConfigPlace {
  /** How long one file may take to load, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number
  /** Run the files anew, with what they import, instead of returning what an earlier call has loaded. Default false. */
  readonly reload?: boolean
}

/** What the user's files say, merged and frozen, and not checked yet. */
export interface LoadedConfig {
  readonly config: unknown
  /** Absolute paths in the order they were merged; the first is the config's own file. */
  readonly files: readonly string[]
  /** The folder of the config's own file: what relative paths in it start from. */
  readonly dir: string
}

/**
 * Finds and runs `master.config.ts`, then `master.config.<ROUSE_ENV>.ts`, then `master.config.local.ts`, and merges them.
 * Throws ROUSE_CONFIG_NOT_FOUND, or ROUSE_CONFIG_NOT_LOADED with the file and line where it failed.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const files = await findConfig(options)
  const generation = options.reload ? ++generations : 0
  let config: unknown
  for (const [index, file] of files.entries()) {
    const exported = await load(file, generation, options)
    config = index === 0 ? exported : mergeConfigs(config, exported)
  }
  return { config: deepFreeze(config), files, dir: dirname(files[0]!) }
}

async function load(
  file: string,
  generation: number,
  { cwd, timeoutMs = 30_000 }: LoadOptions,
): Promise<unknown> {
  const exports = await importUserFile(file, { cwd, timeoutMs, generation })
  if (typeof exports.default === 'object' && exports.default !== null) return exports.default
  throw new RouseError('ROUSE_CONFIG_NOT_LOADED', `${file} does not export a config as its default`, {
    advice: 'End the file with: export default defineMaster({ ... })',
  })
}

let generations = 0
