import type { Socket } from 'node:net'

/**
 * Connector and supervisor talk over a Unix socket in frames: length of the rest as u32, kind, payload. 'text' and 'binary'
 * are WebSocket messages of the connection to the master, as they are; 'own' is JSON between the two.
 */
export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

export type FrameKind = (typeof kinds)[number]

const kinds = ['own', 'text', 'binary'] as const

export function writeFrame(socket: Socket, kind: FrameKind, payload: Buffer): void {
  if (!socket.writable) return
  const header = Buffer.allocUnsafe(headerBytes)
  header.writeUInt32BE(payload.length + 1)
  header[4] = kinds.indexOf(kind)
  // What is said in one turn leaves together.
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  socket.write(header)
  socket.write(payload)
}

/** Puts frames together again. Throws an Error when they cannot be any. */
export class FrameReader {
  #chunks: Buffer[] = []
  #length = 0

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    this.#chunks.push(chunk)
    this.#length += chunk.length
    for (
      let size = this.#sizeOfNext();
      size !== undefined && this.#length >= size;
      size = this.#sizeOfNext()
    ) {
      const bytes = this.#joined()
      this.#chunks = size < bytes.length ? [bytes.subarray(size)] : []
      this.#length -= size
      const kind = kinds[bytes[4]!]
      if (!kind) throw new Error(`a frame of unknown kind ${bytes[4]}`)
      frames.push({ kind, payload: bytes.subarray(headerBytes, size) })
    }
    return frames
  }

  #sizeOfNext(): number | undefined {
    if (this.#length < headerBytes) return undefined
    const first = this.#chunks[0]!
    const length = (first.length >= 4 ? first : this.#joined()).readUInt32BE()
    if (length < 1 || length > maxFrameBytes) throw new Error(`a frame of ${length} bytes`)
    return 4 + length
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }
}

const headerBytes = 5
const maxFrameBytes = 8_388_608
