import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AgentDelivery } from '../../../src/latent/agent-delivery.ts'

/** The agent, bundled into the folder. */
export async function bundleAgent(folder: string, masters: readonly string[]): Promise<AgentDelivery> {
  const file = join(folder, 'rouse-agent.mjs')
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  await promisify(execFile)(process.execPath, [join(root, 'tools/build-agent.mjs'), file])
  return {
    file,
    sha256: createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
    masters,
  }
}
