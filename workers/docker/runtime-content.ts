import { createHash } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentDelivery } from '../../src/latent/agent-delivery.ts'
import { runtimeFolder } from './paths.ts'
import { tarStream, type TarEntry } from './tar.ts'

/** What is in the runtime volume: the agent, and the master's Node.js with the libraries that an image may lack. */
export interface RuntimeContent {
  /** Of all of it. */
  readonly hash: string
  tar(): NodeJS.ReadableStream
}

/** `node` is the Node.js to bring; where it is not for Linux, images need one of their own. */
export async function runtimeContent(agent: AgentDelivery, node = process.execPath): Promise<RuntimeContent> {
  const files = [{ name: 'rouse-agent.mjs', from: agent.file, mode: 0o644 }]
  if (process.platform === 'linux') {
    files.push({ name: 'bin/node', from: node, mode: 0o755 })
    for (const name of libraries) {
      const from = libraryFolders()
        .map((folder) => join(folder, name))
        .find((path) => existsSync(path))
      if (from) files.push({ name: `lib/${name}`, from, mode: 0o755 })
    }
  }
  const hash = createHash('sha256').update(`${layout} ${process.arch}`)
  for (const { from, name } of files) {
    hash.update(`\0${name}\0`)
    for await (const part of createReadStream(from)) hash.update(part as Buffer)
  }
  return { hash: hash.digest('hex'), tar: () => tarStream(entries(files)) }
}

/** Its last entry: where it is, the volume is complete. */
export const completeMarker = `${runtimeFolder}/complete`

function* entries(files: readonly { name: string; from: string; mode: number }[]): Generator<TarEntry> {
  const root = runtimeFolder.slice(1)
  for (const folder of ['', '/bin', '/lib'])
    yield { path: `${root}${folder}`, type: 'directory', mode: 0o755 }
  for (const { from, mode, name } of files)
    yield { path: `${root}/${name}`, mode, size: statSync(from).size, content: () => createReadStream(from) }
  yield { path: completeMarker.slice(1), mode: 0o644, content: '' }
}

// The folders of Debian and its like, then those of others.
function libraryFolders(): string[] {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string]
  const usual = ['/usr/lib64', '/lib64', '/usr/lib', '/lib']
  return triplet ? [`/usr/lib/${triplet}`, `/lib/${triplet}`, ...usual] : usual
}

const libraries = ['libstdc++.so.6', 'libgcc_s.so.1']
// Grows when the volume is laid out otherwise.
const layout = 'rouse-runtime 1'
