import { open } from 'node:fs/promises'

/** Where a program names the loader that the kernel starts it with. */
export interface Interpreter {
  readonly path: string
  /** In the file, and how many bytes there are for the path with its final zero. */
  readonly offset: number
  readonly size: number
}

/** The loader of a 64-bit little-endian ELF program; undefined for what is none, or needs no loader. */
export async function elfInterpreter(file: string): Promise<Interpreter | undefined> {
  const handle = await open(file)
  try {
    const read = async (offset: number, size: number) =>
      (await handle.read(Buffer.alloc(size), 0, size, offset)).buffer
    const header = await read(0, 64)
    if (header.readUInt32BE(0) !== elfMagic || header[4] !== is64Bit || header[5] !== isLittleEndian)
      return undefined
    const [start, size, count] = [
      Number(header.readBigUInt64LE(32)),
      header.readUInt16LE(54),
      header.readUInt16LE(56),
    ]
    const table = await read(start, size * count)
    for (let at = 0; at < table.length; at += size) {
      if (table.readUInt32LE(at) !== programInterpreter) continue
      const place = {
        offset: Number(table.readBigUInt64LE(at + 8)),
        size: Number(table.readBigUInt64LE(at + 32)),
      }
      const text = (await read(place.offset, place.size)).toString()
      return { path: text.slice(0, text.indexOf('\0')), ...place }
    }
    return undefined
  } finally {
    await handle.close()
  }
}

const elfMagic = 0x7f454c46
const is64Bit = 2
const isLittleEndian = 1
const programInterpreter = 3
