import { openSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A command's input as a file without a name rather than a pipe: one that does not read it does no harm to anyone, and one that
 * opens /dev/stdin again does not wait for a writer that has gone.
 */
export function openInput(file: string, text: string): number {
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  try {
    return openSync(file, 'r')
  } finally {
    unlinkSync(file)
  }
}

/** The same for what must not be on a disk, not even for a moment. Undefined where files cannot be in memory. */
export function openInputInMemory(id: string, text: string): number | undefined {
  try {
    if (statfsSync(memory).type !== tmpfs) return undefined
    return openInput(join(memory, `rouse-${process.pid}-${id}`), text)
  } catch {
    return undefined
  }
}

const memory = '/dev/shm'
const tmpfs = 0x01021994
