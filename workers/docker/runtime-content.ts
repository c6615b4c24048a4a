import { createHash } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentDelivery } from '../../src/latent/agent-delivery.ts'
import { elfInterpreter, type Interpreter } from './elf-interpreter.ts'
import { loaderLink, runtimeFolder } from './paths.ts'
import { tarStream, type TarEntry } from './tar.ts'

/** What is in the runtime volume: the agent, and the master's Node.js with the libraries that an image may lack. */
export interface RuntimeContent {
  /** Of all of it. */
  readonly hash: string
  /** Where an image has the loader for Node.js. */
  readonly loader: string
  tar(): NodeJS.ReadableStream
}

/** `node` is the Node.js to bring; where it is not for Linux, images need one of their own. */
export async function runtimeContent(agent: AgentDelivery, node = process.execPath): Promise<RuntimeContent> {
  const interpreter = process.platform === 'linux' ? await elfInterpreter(node) : undefined
  const files: RuntimeFile[] = [{ name: 'rouse-agent.mjs', from: agent.file, mode: 0o644 }]
  if (interpreter && interpreter.size > loaderLink.length) {
    files.push({ name: 'bin/node', from: node, mode: 0o755, interpreter })
    files.push(...found('lib', libraries), ...found('glibc', glibc))
    if (existsSync(interpreter.path)) files.push({ name: 'glibc/ld.so', from: interpreter.path, mode: 0o755 })
  }
  const hash = createHash('sha256').update(`${layout} ${process.arch}`)
  for (const file of files) {
    hash.update(`\0${file.name}\0`)
    for await (const part of bytesOf(file)) hash.update(part)
  }
  return {
    hash: hash.digest('hex'),
    loader: interpreter?.path ?? loaderLink,
    tar: () => tarStream(entries(files)),
  }
}

interface RuntimeFile {
  readonly name: string
  readonly from: string
  readonly mode: number
  readonly interpreter?: Interpreter
}

function found(folder: string, names: readonly string[]): RuntimeFile[] {
  return names.flatMap((name) => {
    const from = libraryFolders()
      .map((place) => join(place, name))
      .find((path) => existsSync(path))
    return from === undefined ? [] : [{ name: `${folder}/${name}`, from, mode: 0o755 }]
  })
}

// Our Node.js asks for a loader of our choice, which each container's link chooses: process.execPath stays right, as it would
// not if the loader were called by name.
async function* bytesOf({ from, interpreter }: RuntimeFile): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of createReadStream(from)) {
    const part = chunk as Buffer
    if (interpreter) {
      const path = Buffer.alloc(interpreter.size)
      path.write(loaderLink)
      for (let i = 0; i < path.length; i++) {
        const place = interpreter.offset + i - at
        if (place >= 0 && place < part.length) part[place] = path[i]!
      }
    }
    at += part.length
    yield part
  }
}

/** Its last entry: where it is, the volume is complete. */
export const completeMarker = `${runtimeFolder}/complete`

function* entries(files: readonly RuntimeFile[]): Generator<TarEntry> {
  const root = runtimeFolder.slice(1)
  for (const folder of ['', '/bin', '/lib', '/glibc'])
    yield { path: `${root}${folder}`, type: 'directory', mode: 0o755 }
  for (const file of files)
    yield {
      path: `${root}/${file.name}`,
      mode: file.mode,
      size: statSync(file.from).size,
      content: () => bytesOf(file),
    }
  yield { path: completeMarker.slice(1), mode: 0o644, content: '' }
}

// The folders of Debian and its like, then those of others.
function libraryFolders(): string[] {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string]
  const usual = ['/usr/lib64', '/lib64', '/usr/lib', '/lib']
  return triplet ? [`/usr/lib/${triplet}`, `/lib/${triplet}`, ...usual] : usual
}

const libraries = ['libstdc++.so.6', 'libgcc_s.so.1']
// What these libraries need, for images whose glibc is older than the one they were built with.
const glibc = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1', 'libresolv.so.2']
// Grows when the volume is laid out otherwise.
const layout = 'rouse-runtime 2'
