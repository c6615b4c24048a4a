/**
 * An ISO 9660 file system with these files in its root, which cloud-init's NoCloud source finds by its label `cidata`. With Joliet
 * names, because the others know no lower case. The same files give the same bytes.
 */
export function seedIso(files: Readonly<Record<string, string>>): Buffer {
  const contents = Object.entries(files).map(([name, text]) => ({ name, content: Buffer.from(text) }))
  let next = firstFileSector
  const placed = contents.map((file) => {
    const sector = next
    next += Math.max(1, Math.ceil(file.content.length / sectorSize))
    return { ...file, sector }
  })
  const image = Buffer.alloc(next * sectorSize)
  const put = (sector: number, bytes: Buffer) => bytes.copy(image, sector * sectorSize)
  put(16, volumeDescriptor('primary', next))
  put(17, volumeDescriptor('joliet', next))
  put(18, Buffer.concat([Buffer.from([255]), Buffer.from('CD001\x01')]))
  for (const kind of ['primary', 'joliet'] as const) {
    const { root, tableBig, tableLittle } = sectors[kind]
    put(tableLittle, pathTable(root, 'little'))
    put(tableBig, pathTable(root, 'big'))
    const records = placed.map(({ content, name, sector }) =>
      directoryRecord(fileName(name, kind), sector, content.length, false),
    )
    put(root, Buffer.concat([...rootRecords(root), ...records]))
  }
  for (const { content, sector } of placed) put(sector, content)
  return image
}

type Kind = 'primary' | 'joliet'

function volumeDescriptor(kind: Kind, size: number): Buffer {
  const d = Buffer.alloc(sectorSize)
  const text = (at: number, length: number, value: string) => padded(value, length, kind).copy(d, at)
  const { root, tableBig, tableLittle } = sectors[kind]
  d[0] = kind === 'primary' ? 1 : 2
  d.write('CD001\x01', 1, 'latin1')
  text(8, 32, '')
  text(40, 32, 'cidata')
  both32(size).copy(d, 80)
  // UCS-2, level 3.
  if (kind === 'joliet') d.write('%/E', 88, 'latin1')
  both16(1).copy(d, 120)
  both16(1).copy(d, 124)
  both16(sectorSize).copy(d, 128)
  both32(pathTableSize).copy(d, 132)
  d.writeUInt32LE(tableLittle, 140)
  d.writeUInt32BE(tableBig, 148)
  directoryRecord(Buffer.from([0]), root, sectorSize, true).copy(d, 156)
  for (const at of [190, 318, 446, 574]) text(at, 128, '')
  for (const at of [702, 739, 776]) text(at, 37, '')
  // Four times: no date.
  for (const at of [813, 830, 847, 864]) d.write('0'.repeat(16), at, 'latin1')
  d[881] = 1
  return d
}

/** Of the folder itself and of its parent, which it is, too. */
function rootRecords(root: number): Buffer[] {
  return [0, 1].map((name) => directoryRecord(Buffer.from([name]), root, sectorSize, true))
}

function directoryRecord(name: Buffer, sector: number, size: number, folder: boolean): Buffer {
  const length = 33 + name.length + (name.length % 2 === 0 ? 1 : 0)
  const record = Buffer.alloc(length)
  record[0] = length
  both32(sector).copy(record, 2)
  both32(size).copy(record, 10)
  // 1 January 2000.
  Buffer.from([100, 1, 1, 0, 0, 0, 0]).copy(record, 18)
  record[25] = folder ? 2 : 0
  both16(1).copy(record, 28)
  record[32] = name.length
  name.copy(record, 33)
  return record
}

function pathTable(root: number, order: 'little' | 'big'): Buffer {
  const table = Buffer.alloc(pathTableSize)
  table[0] = 1
  if (order === 'little') {
    table.writeUInt32LE(root, 2)
    table.writeUInt16LE(1, 6)
  } else {
    table.writeUInt32BE(root, 2)
    table.writeUInt16BE(1, 6)
  }
  return table
}

function fileName(name: string, kind: Kind): Buffer {
  return kind === 'joliet' ? ucs2(name) : Buffer.from(`${name.toUpperCase()};1`)
}

function padded(text: string, length: number, kind: Kind): Buffer {
  if (kind === 'primary') return Buffer.from(text.padEnd(length))
  return Buffer.concat([ucs2(text.padEnd(length >> 1)), Buffer.alloc(length & 1)])
}

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

/** In both byte orders, as ISO 9660 likes it. */
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value, 0)
  bytes.writeUInt32BE(value, 4)
  return bytes
}

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16LE(value, 0)
  bytes.writeUInt16BE(value, 2)
  return bytes
}

const sectorSize = 2048
const pathTableSize = 10
const sectors = {
  primary: { tableLittle: 19, tableBig: 20, root: 21 },
  joliet: { tableLittle: 22, tableBig: 23, root: 24 },
} as const
const firstFileSector = 25
