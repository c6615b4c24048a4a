import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

/** The Node.js that this master runs on, for machines that have none. */
export interface NodeRuntime {
  readonly file: string
  /** 'linux-x64'. */
  readonly machine: string
  /** What it needs of the system: 'glibc', 'musl'; '' elsewhere than on Linux. */
  readonly libc: string
  /** In hexadecimal. */
  readonly sha256: string
  /** In bytes. */
  readonly size: number
}

/** Reads it once, at the first call. Undefined where it cannot be read. */
export function openNodeRuntime(): () => Promise<NodeRuntime | undefined> {
  let runtime: Promise<NodeRuntime | undefined> | undefined
  return () => (runtime ??= describe().catch(() => undefined))
}

async function describe(): Promise<NodeRuntime> {
  // Also after an upgrade has put another file in its place.
  const file = process.platform === 'linux' ? '/proc/self/exe' : process.execPath
  const hash = createHash('sha256')
  for await (const part of createReadStream(file, { highWaterMark: 1_048_576 })) hash.update(part as Buffer)
  const { size } = await stat(file)
  return {
    file,
    machine: `${process.platform}-${process.arch}`,
    libc: libcOf(),
    sha256: hash.digest('hex'),
    size,
  }
}

function libcOf(): string {
  if (process.platform !== 'linux') return ''
  // Else it asks for the names of all its connections.
  ;(process.report as { excludeNetwork?: boolean }).excludeNetwork = true
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}
