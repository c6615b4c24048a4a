import { codecs, maxFrameBytes, maxRawBytes, readUuid, writeUuid, type Codec } from './output-frame.ts'

/**
 * Files travel in binary frames, in both directions. All numbers are big-endian.
 *
 *     0  type, 2 = file        2  codec        4  command id, 16 bytes      28  raw length, u32
 *     1  1 = the file ends     3  0           20  offset in the file, u64   32  body
 *
 * A frame comes only after its receiver has asked for these bytes with `want`.
 */
export interface FileFrame {
  readonly command: string
  readonly codec: Codec
  readonly offset: number
  readonly rawLength: number
  /** Nothing comes after it. */
  readonly last: boolean
  readonly body: Buffer
}

const fileFrameType = 2
const fixedBytes = 32

/** Whether a binary message is one. */
export function isFileFrame(bytes: Buffer): boolean {
  return bytes[0] === fileFrameType
}

export function encodeFileFrame(frame: FileFrame): Buffer {
  const header = Buffer.alloc(fixedBytes)
  header[0] = fileFrameType
  header[1] = frame.last ? 1 : 0
  header[2] = codecs.indexOf(frame.codec)
  writeUuid(header, frame.command)
  header.writeBigUInt64BE(BigInt(frame.offset), 20)
  header.writeUInt32BE(frame.rawLength, 28)
  return Buffer.concat([header, frame.body])
}

/** Throws an Error that says what is wrong with the bytes; never anything else, whatever they are. */
export function decodeFileFrame(bytes: Buffer): FileFrame {
  if (bytes.length > maxFrameBytes)
    throw new Error(`frame of ${bytes.length} bytes, the limit is ${maxFrameBytes}`)
  if (bytes.length < fixedBytes) throw new Error(`frame of ${bytes.length} bytes is too short`)
  if (bytes[0] !== fileFrameType) throw new Error(`unknown frame type ${bytes[0]}`)
  if (bytes[1]! > 1) throw new Error(`unknown flags ${bytes[1]}`)
  const codec = codecs[bytes[2]!]
  if (!codec) throw new Error(`unknown codec ${bytes[2]}`)
  const offset = bytes.readBigUInt64BE(20)
  if (offset > BigInt(Number.MAX_SAFE_INTEGER - maxRawBytes)) throw new Error('offset is too large')
  const last = bytes[1] === 1
  const rawLength = bytes.readUInt32BE(28)
  if (rawLength > maxRawBytes || (rawLength === 0 && !last))
    throw new Error(`raw length ${rawLength} is not 1 to ${maxRawBytes}`)
  const body = bytes.subarray(fixedBytes)
  if (codec === 'none' && body.length !== rawLength) throw new Error('body is not as long as it says')
  // Nobody sends what became larger by being compressed; else the window would bound nothing.
  if (body.length > rawLength) throw new Error('body is longer than what it holds')
  return { command: readUuid(bytes), codec, offset: Number(offset), rawLength, last, body }
}
