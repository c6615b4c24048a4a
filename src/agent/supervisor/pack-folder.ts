import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Host } from './operation-context.ts'

/**
 * Packs a folder with the machine's `tar` into a compressed archive among the agent's own files, which the caller
 * disposes of. Rejects when tar is missing or fails, or the archive becomes larger than `maxBytes`.
 */
export async function packFolder(
  folder: string,
  { host, id, maxBytes, signal }: { host: Host; id: string; maxBytes: number; signal: AbortSignal },
): Promise<{ path: string } & AsyncDisposable> {
  if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder')
  const path = join(host.scratchDir, `${id}.tar.gz`)
  const dispose = () => rm(path, { force: true })
  const tar = spawn('tar', ['-czf', '-', '-C', folder, '.'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own settings must not change what comes out.
    env: { PATH: host.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    signal,
  })
  tar.on('error', () => {})
  try {
    const complaints = collect(tar.stderr)
    const [[code]] = await Promise.all([
      once(tar, 'close') as Promise<[number | null]>,
      pipeline(tar.stdout, limit(maxBytes), createWriteStream(path, { flags: 'wx', mode: 0o600 })),
    ])
    if (code !== 0) throw new Error(`tar ended with ${code}: ${complaints()}`)
    return { path, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await end(tar)
    await dispose()
    if ((error as NodeJS.ErrnoException).syscall?.startsWith('spawn'))
      throw new Error('the program tar is not installed on this machine', { cause: error })
    throw error
  }
}

function limit(maxBytes: number) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new Error(`packed it has more than ${maxBytes} bytes, the limit`)
      yield chunk
    }
  }
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.on('data', (chunk) => (text = (text + String(chunk)).slice(0, 2000)))
  return () => text.trim()
}

async function end(child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close').catch(() => {})
  child.kill('SIGKILL')
  await ended
}
