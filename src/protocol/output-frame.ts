import { decodeRuns, encodeRuns, runBytes, type Run } from './runs.ts'

/**
 * Output travels in binary frames. All numbers are big-endian.
 *
 *     0  type, 1 = output      4  command id, 16 bytes      28  raw length, u32      36  run count, u16
 *     1  log                  20  offset in the log, u64    32  line count, u32      38  runs, 5 bytes each
 *     2  codec                                                                       ..  body
 *     3  0
 *
 * The body is compressed by the agent and stored as it is. A run is (stream u8, raw bytes u32): it tells which part of
 * the raw body is stdout, stderr or header, so that their order is kept. The line count is the number of '\n'.
 */
export interface OutputFrame {
  readonly command: string
  readonly log: number
  readonly codec: Codec
  readonly offset: number
  readonly rawLength: number
  readonly lines: number
  readonly runs: readonly Run[]
  readonly body: Buffer
}

/** zstd where the agent's Node has it (22.15 or newer), deflate elsewhere, none for what does not shrink. */
export const codecs = ['none', 'deflate', 'zstd'] as const
export type Codec = (typeof codecs)[number]

/** One WebSocket message, header and body together. */
export const maxFrameBytes = 1_048_576
/** Raw bytes of one output frame: the agent cuts larger ones. */
export const maxRawBytes = 262_144
export const maxRuns = 4096
const fixedBytes = 38

export function encodeOutputFrame(frame: OutputFrame): Buffer {
  const header = Buffer.alloc(fixedBytes)
  header[0] = 1
  header[1] = frame.log
  header[2] = codecs.indexOf(frame.codec)
  Buffer.from(frame.command.replaceAll('-', ''), 'hex').copy(header, 4)
  header.writeBigUInt64BE(BigInt(frame.offset), 20)
  header.writeUInt32BE(frame.rawLength, 28)
  header.writeUInt32BE(frame.lines, 32)
  header.writeUInt16BE(frame.runs.length, 36)
  return Buffer.concat([header, encodeRuns(frame.runs), frame.body])
}

/** Throws an Error that says what is wrong with the bytes; never anything else, whatever they are. */
export function decodeOutputFrame(bytes: Buffer): OutputFrame {
  if (bytes.length > maxFrameBytes)
    throw new Error(`frame of ${bytes.length} bytes, the limit is ${maxFrameBytes}`)
  if (bytes.length < fixedBytes) throw new Error(`frame of ${bytes.length} bytes is too short`)
  if (bytes[0] !== 1) throw new Error(`unknown frame type ${bytes[0]}`)
  const codec = codecs[bytes[2]!]
  if (!codec) throw new Error(`unknown codec ${bytes[2]}`)
  const offset = bytes.readBigUInt64BE(20)
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('offset is too large')
  const rawLength = bytes.readUInt32BE(28)
  if (rawLength === 0 || rawLength > maxRawBytes)
    throw new Error(`raw length ${rawLength} is not 1 to ${maxRawBytes}`)
  const lines = bytes.readUInt32BE(32)
  if (lines > rawLength) throw new Error('more lines than bytes')
  const runCount = bytes.readUInt16BE(36)
  const bodyStart = fixedBytes + runCount * runBytes
  if (runCount === 0 || runCount > maxRuns) throw new Error(`${runCount} runs, not 1 to ${maxRuns}`)
  if (bodyStart >= bytes.length) throw new Error('frame without a body')
  const runs = decodeRuns(bytes.subarray(fixedBytes, bodyStart))
  if (runs.reduce((sum, run) => sum + run.length, 0) !== rawLength)
    throw new Error('runs do not add up to the raw length')
  const body = bytes.subarray(bodyStart)
  if (codec === 'none' && body.length !== rawLength) throw new Error('body is not as long as it says')
  // Agents compress only what becomes smaller; else the window would bound nothing.
  if (body.length > rawLength) throw new Error('body is longer than what it holds')
  return {
    command: readUuid(bytes),
    log: bytes[1]!,
    codec,
    offset: Number(offset),
    rawLength,
    lines,
    runs,
    body,
  }
}

function readUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex', 4, 20)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
