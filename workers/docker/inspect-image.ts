import type Docker from 'dockerode'
import type { Engine } from './engine.ts'
import { isNotFound } from './engine-error.ts'

/** Undefined when the engine does not have it. */
export async function inspectImage(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await engine.call(`cannot look at image ${name}`, signal, (docker) =>
      docker.getImage(name).inspect({ abortSignal: signal } as Docker.ImageInspectOptions),
    )
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
