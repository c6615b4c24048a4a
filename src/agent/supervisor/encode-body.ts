import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Codec } from '../../protocol/output-frame.ts'

export interface EncodedBody {
  readonly codec: Codec
  readonly body: Buffer
}

/** Compresses raw output where that makes it smaller. Small ones at once, large ones on another thread. */
export function encodeBody(raw: Buffer): EncodedBody | Promise<EncodedBody> {
  if (raw.length < worthwhile) return { codec: 'none', body: raw }
  if (raw.length <= quick) return smaller(raw, compressor.now(raw))
  return compressor.later(raw).then((body) => smaller(raw, body))
}

function smaller(raw: Buffer, body: Buffer): EncodedBody {
  return body.length < raw.length ? { codec: compressor.codec, body } : { codec: 'none', body: raw }
}

// A context for the compressor takes as long as everything else that is done for a frame.
const worthwhile = 1024
const quick = 16_384
// Faster than the default, and within a few percent as small for logs.
const deflateOptions = { level: 1 }

// For logs half the time of the default level, and as small. No frame is longer than this window: what the default takes has
// to be allocated and collected for each.
const zstdOptions = {
  params: { [zlib.constants.ZSTD_c_compressionLevel]: 1, [zlib.constants.ZSTD_c_windowLog]: 18 },
}

// zstd came with Node.js 22.15; the agent runs on 20 too.
const compressor =
  typeof zlib.zstdCompressSync === 'function'
    ? {
        codec: 'zstd' as const,
        now: (raw: Buffer) => zlib.zstdCompressSync(raw, zstdOptions),
        later: (raw: Buffer) => promisify(zlib.zstdCompress)(raw, zstdOptions),
      }
    : {
        codec: 'deflate' as const,
        now: (raw: Buffer) => zlib.deflateSync(raw, deflateOptions),
        later: (raw: Buffer) => promisify(zlib.deflate)(raw, deflateOptions),
      }
