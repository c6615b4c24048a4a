import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { maxRawBytes, type Codec } from '../protocol/output-frame.ts'
import type { Run, Stream } from '../protocol/runs.ts'

const inflate = promisify(zlib.inflate)
const zstd = promisify(zlib.zstdDecompress)

/** Raw bytes of a chunk's body. Bounded, because an agent may send a bomb. */
export async function decodeBody(codec: Codec, body: Buffer): Promise<Buffer> {
  const limit = { maxOutputLength: maxRawBytes }
  if (codec === 'zstd') return zstd(body, limit)
  if (codec === 'deflate') return inflate(body, limit)
  return body
}

/** The part of a raw body that belongs to one stream. */
export function partOf(stream: Stream, runs: readonly Run[], raw: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (const run of runs) {
    if (run.stream === stream) parts.push(raw.subarray(at, at + run.length))
    at += run.length
  }
  return Buffer.concat(parts)
}
