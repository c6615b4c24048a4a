import { Readable } from 'node:stream'

/** One entry of a tar stream. */
export interface TarEntry {
  /** Without a leading slash. */
  readonly path: string
  readonly type?: 'file' | 'directory' | 'symlink'
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
  /** Where a symlink leads. */
  readonly target?: string
  readonly size?: number
  /** The content, of exactly `size` bytes. */
  readonly content?: string | Buffer | (() => AsyncIterable<Buffer>)
}

/** A tar stream (POSIX, long paths by pax headers), the same bytes for the same entries: no times, no names of owners. */
export function tarStream(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): Readable {
  return Readable.from(blocks(entries), { objectMode: false })
}

async function* blocks(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    const content = typeof entry.content === 'string' ? Buffer.from(entry.content) : entry.content
    const size = Buffer.isBuffer(content) ? content.length : (entry.size ?? 0)
    yield header(entry, size)
    let written = 0
    if (typeof content === 'function') {
      for await (const part of content()) {
        written += part.length
        yield part
      }
    } else if (content) {
      written = content.length
      yield content
    }
    if (written !== size) throw new Error(`${entry.path} changed while it was read`)
    if (size % blockSize) yield Buffer.alloc(blockSize - (size % blockSize))
  }
  yield Buffer.alloc(2 * blockSize)
}

function header(entry: TarEntry, size: number): Buffer {
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path
  const records = [
    ...(Buffer.byteLength(path) > 100 ? [paxRecord('path', path)] : []),
    ...(Buffer.byteLength(entry.target ?? '') > 100 ? [paxRecord('linkpath', entry.target!)] : []),
  ]
  const own = ustarBlock({ ...entry, path }, typeFlags[entry.type ?? 'file'], size)
  if (records.length === 0) return own
  const pax = Buffer.from(records.join(''))
  const padding = Buffer.alloc((blockSize - (pax.length % blockSize)) % blockSize)
  return Buffer.concat([ustarBlock({ path: 'pax', mode: 0o644 }, 'x', pax.length), pax, padding, own])
}

function ustarBlock(entry: TarEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(blockSize)
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at)
  block.write(entry.path.slice(0, 100), 0, 100)
  octal(entry.mode, 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        ', 148)
  block.write(flag, 156)
  block.write((entry.target ?? '').slice(0, 100), 157, 100)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

// '<length> <key>=<value>\n', where the length counts itself.
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest
  while (rest + String(length).length !== length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

const blockSize = 512
const typeFlags = { file: '0', directory: '5', symlink: '2' } as const
