import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Provision } from '../../model/image.ts'
import { canonical } from '../canonical.ts'
import type { ImageSpec } from './image-spec.ts'

export interface OtherInputs {
  /** What the backend says of the image to begin with. */
  readonly base: string
  /** How often it was to be built anew although nothing had changed. */
  readonly fresh: number
  /** Where paths of the config begin. */
  readonly configDir: string
}

/** 16 hexadecimal digits for all that an image is made of. Throws when a file cannot be read. */
export async function imageHash(
  { backend, from, provision, size }: ImageSpec,
  { base, configDir, fresh }: OtherInputs,
): Promise<string> {
  const steps: unknown[] = []
  for (const step of provision) steps.push(await inputOf(step, configDir))
  const inputs = { backend, base, from, fresh, size: size ?? null, steps }
  return createHash('sha256').update(canonical(inputs)).digest('hex').slice(0, 16)
}

async function inputOf(step: Provision, configDir: string): Promise<unknown> {
  if (typeof step === 'string') return step
  if ('script' in step) return { script: await digestOf(resolve(configDir, step.script)) }
  const { file, mode = null, to } = step
  return { file: await digestOf(resolve(configDir, file)), mode, to }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
