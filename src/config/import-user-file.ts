import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { explainLoadFailure } from './explain-load-failure.ts'

export interface ImportOptions {
  /** Paths in errors are shown from here. */
  readonly cwd: string
  readonly timeoutMs: number
  /**
   * 0 returns what Node has loaded already. Another number that was not given before runs the file anew, with all that it
   * imports by a relative path. What an older generation imports later is of that generation too.
   */
  readonly generation: number
}

/**
 * Runs a file of the user's config and returns its exports. Throws ROUSE_CONFIG_NOT_LOADED when the file throws or does
 * not finish in time. What Node has loaded it keeps for ever, so that each
 * generation takes its memory until the process ends.
 */
export async function importUserFile(
  file: string,
  { cwd, generation, timeoutMs }: ImportOptions,
): Promise<Record<string, unknown>> {
  installHooks()
  const url = pathToFileURL(file).href
  userFiles.add(url)

  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`did not finish loading in ${timeoutMs / 1000} s; what does it await?`)),
    timeoutMs,
  )
  try {
    return await Promise.race([
      import(ofGeneration(url, String(generation || ''))) as Promise<Record<string, unknown>>,
      late,
    ])
  } catch (error) {
    throw await explainLoadFailure(error, {
      file,
      compiling: fileURLToPath(lastLoaded ?? url),
      isUserFile: (other) => userFiles.has(plain(other)),
      cwd,
    })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The user's TypeScript is always an ES module, also in a folder whose package.json says "commonjs" (`npm init` writes
 * that) or nothing. The hooks stay for the life of the process, because a step may import another file later.
 */
function installHooks(): void {
  hooks ??= registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      const parent = context.parentURL ?? ''
      const isUsers = userFiles.has(plain(parent))
      const ours = plain(resolved.url)
      if (!userFiles.has(ours) && !(isUsers && /^\.{1,2}\//.test(specifier))) return resolved
      userFiles.add(ours)
      const url = isUsers ? ofGeneration(ours, generationOf(parent)) : resolved.url
      return { ...resolved, url, ...(ours.endsWith('.ts') ? { format: 'module-typescript' } : {}) }
    },
    load(url, context, nextLoad) {
      if (userFiles.has(plain(url))) lastLoaded = plain(url)
      return nextLoad(url, context)
    },
  })
}

function ofGeneration(url: string, generation: string): string {
  return generation === '' ? url : `${url}${url.includes('?') ? '&' : '?'}rouse=${generation}`
}

function generationOf(url: string): string {
  return mark.exec(url)?.[1] ?? ''
}

function plain(url: string): string {
  return url.replace(mark, '')
}

const mark = /[?&]rouse=(\d+)$/
let hooks: ReturnType<typeof registerHooks> | undefined
let lastLoaded: string | undefined
const userFiles = new Set<string>()
