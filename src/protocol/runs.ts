/** Which part of a body is stdout, stderr or header. */
export interface Run {
  readonly stream: Stream
  readonly length: number
}

export const streams = ['header', 'stdout', 'stderr'] as const
export type Stream = (typeof streams)[number]

export const runBytes = 5

/** Five bytes a run, on the wire as in the database: the stream, then the raw length as u32, big-endian. */
export function encodeRuns(runs: readonly Run[]): Buffer {
  const bytes = Buffer.alloc(runs.length * runBytes)
  runs.forEach((run, i) => {
    bytes[i * runBytes] = streams.indexOf(run.stream)
    bytes.writeUInt32BE(run.length, i * runBytes + 1)
  })
  return bytes
}

/** Throws an Error on an unknown stream. */
export function decodeRuns(bytes: Buffer): Run[] {
  return Array.from({ length: Math.floor(bytes.length / runBytes) }, (_, i) => {
    const stream = streams[bytes[i * runBytes]!]
    if (!stream) throw new Error(`unknown stream ${bytes[i * runBytes]}`)
    return { stream, length: bytes.readUInt32BE(i * runBytes + 1) }
  })
}
