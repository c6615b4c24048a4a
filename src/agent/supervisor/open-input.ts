import { closeSync, openSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A command's input as a file without a name rather than a pipe: one that does not read it does no harm to anyone, and one that
 * opens /dev/stdin again does not wait for a writer that has gone.
 */
export function openInput(file: string, text: string): number {
  const [input, output] = openNameless(file)
  try {
    writeFileSync(output, text)
    return input
  } catch (error) {
    closeSync(input)
    throw error
  } finally {
    closeSync(output)
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

// Its name is gone before anything is in it: neither a full disk nor a kill leaves any of it behind.
function openNameless(file: string): [input: number, output: number] {
  const output = openSync(file, 'wx', 0o600)
  try {
    return [openSync(file, 'r'), output]
  } catch (error) {
    closeSync(output)
    throw error
  } finally {
    unlinkSync(file)
  }
}

const memory = '/dev/shm'
const tmpfs = 0x01021994
