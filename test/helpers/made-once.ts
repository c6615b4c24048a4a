import { existsSync } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from './wait-for.ts'

/** A path among what tests make once and keep for later runs. One test file makes it, the others wait. */
export async function madeOnce(
  name: string,
  make: (path: string) => Promise<void>,
  { timeout = 120_000 }: { timeout?: number } = {},
): Promise<string> {
  const folder = join(tmpdir(), 'rouse-test-images')
  const path = join(folder, name)
  if (existsSync(path)) return path
  await mkdir(folder, { recursive: true })
  const lock = `${path}.lock`
  let held = false
  const ready = async () => existsSync(path) || (held = await takeLock(lock, timeout))
  await waitFor(`${path} to be made`, ready, { timeout })
  if (!held) return path
  try {
    if (!existsSync(path)) await make(path)
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
  return path
}

async function takeLock(lock: string, timeout: number): Promise<boolean> {
  // Whoever held it that long was killed.
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (age > timeout) await rm(lock, { recursive: true, force: true })
  return await mkdir(lock).then(
    () => true,
    () => false,
  )
}
