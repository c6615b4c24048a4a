import { maskPatterns } from '../util/mask/mask-patterns.ts'
import { Masker } from '../util/mask/masker.ts'
import type { Write } from './run-on-master.ts'

/** Gives `work` a way to write output that hides the secrets; what was held back at its end is written too. */
export async function writingMasked<T>(
  secrets: readonly string[],
  write: Write,
  work: (write: Write) => Promise<T>,
): Promise<T> {
  if (secrets.length === 0) return work(write)
  const patterns = maskPatterns(secrets)
  const maskers = { stdout: new Masker(patterns), stderr: new Masker(patterns), header: new Masker(patterns) }
  const result = await work((stream, bytes) => writeSome(write, stream, maskers[stream].push(bytes)))
  for (const stream of ['stdout', 'stderr'] as const) await writeSome(write, stream, maskers[stream].end())
  return result
}

async function writeSome(write: Write, stream: Parameters<Write>[0], bytes: Buffer): Promise<void> {
  if (bytes.length > 0) await write(stream, bytes)
}
