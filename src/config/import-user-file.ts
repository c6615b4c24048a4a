import { registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { explainLoadFailure } from './explain-load-failure.ts'

export interface ImportOptions {
  /** Paths in errors are shown from here. */
  readonly cwd: string
  readonly timeoutMs: number
}

/**
 * Runs a file of the user's config and returns its exports. Throws ROUSE_CONFIG_NOT_LOADED when the file throws or does
 * not finish in time. Node keeps what it has loaded, so a second call returns the same exports.
 */
export async function importUserFile(
  file: string,
  { cwd, timeoutMs }: ImportOptions,
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
    return await Promise.race([import(url) as Promise<Record<string, unknown>>, late])
  } catch (error) {
    throw await explainLoadFailure(error, {
      file,
      compiling: fileURLToPath(lastLoaded ?? url),
      isUserFile: (other) => userFiles.has(other),
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
      const reachedByUser = userFiles.has(context.parentURL ?? '') && /^\.{1,2}\//.test(specifier)
      if (!userFiles.has(resolved.url) && !reachedByUser) return resolved
      userFiles.add(resolved.url)
      return resolved.url.endsWith('.ts') ? { ...resolved, format: 'module-typescript' } : resolved
    },
    load(url, context, nextLoad) {
      if (userFiles.has(url)) lastLoaded = url
      return nextLoad(url, context)
    },
  })
}

let hooks: ReturnType<typeof registerHooks> | undefined
let lastLoaded: string | undefined
const userFiles = new Set<string>()
