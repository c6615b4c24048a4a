import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf, RouseError } from './model/errors.ts'
import { writePrivateFile } from './util/write-private-file.ts'

/** The agent as one file, for Node.js 20 and newer. */
export interface AgentBundle {
  /** A copy of this master's own, which an upgrade of the package leaves alone: `<dataDir>/agent/<sha256>.mjs`. */
  readonly file: string
  /** In hexadecimal. */
  readonly sha256: string
  readonly bytes: Buffer
}

/**
 * Gives the agent that belongs to this master, the same each time. A checkout builds it at the first call when sources have
 * changed. The call throws ROUSE_AGENT_BUNDLE, and the next one tries again.
 */
export function openAgentBundle({ dataDir }: { dataDir: string }): () => Promise<AgentBundle> {
  let bundle: Promise<AgentBundle> | undefined
  return () => {
    bundle ??= prepare(join(dataDir, 'agent')).catch((error: unknown) => {
      bundle = undefined
      throw new RouseError('ROUSE_AGENT_BUNDLE', `the agent cannot be served: ${messageOf(error)}`, {
        cause: error,
      })
    })
    return bundle
  }
}

async function prepare(folder: string): Promise<AgentBundle> {
  if (existsSync(builder)) await promisify(execFile)(process.execPath, [builder], { timeout: buildMs })
  const bytes = await readFile(existsSync(builder) ? built : packed)
  const sha256 = sha256Of(bytes)
  const file = join(folder, `${sha256}.mjs`)
  const present = await readFile(file).catch(() => undefined)
  if (!present || sha256Of(present) !== sha256) {
    await mkdir(folder, { recursive: true })
    await writePrivateFile(file, bytes, { replace: true })
  }
  await removeOld(folder, file)
  return { file, sha256, bytes }
}

// Those of earlier masters, and what they have left half written. A younger one may be that of a master that stops just now.
async function removeOld(folder: string, current: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (path === current || !/^[\da-f]{64}\.mjs/.test(name)) continue
    const stats = await stat(path).catch(() => undefined)
    // One that cannot be removed does no harm.
    if (stats && Date.now() - stats.mtimeMs > oldMs) await rm(path, { force: true }).catch(() => {})
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Only a checkout has it. */
const builder = pathOf('../tools/fresh-agent.mjs')
const built = pathOf('../dist/rouse-agent.mjs')
/** Beside `dist/src` of an installed package, where this file is. */
const packed = pathOf('../rouse-agent.mjs')
/** Another process may be setting the checkout up just now. */
const buildMs = 120_000
const oldMs = 24 * 3_600_000

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
