import { setTimeout as delay } from 'node:timers/promises'
import type { NetworkInspectInfo } from 'dockerode'
import type { Engine } from './engine.ts'
import { isConflict, isNotFound } from './engine-error.ts'

/** Ends a container and removes it with its anonymous volumes; resolves when it is gone. */
export async function removeContainer(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  const what = `cannot remove container ${id.slice(0, 12)}`
  try {
    await engine.call(what, signal, (docker) =>
      docker.getContainer(id).remove({ force: true, v: true, abortSignal: signal }),
    )
  } catch (error) {
    if (isNotFound(error)) return
    if (!isConflict(error)) throw error
    // Its removal is under way already.
    while (await exists(engine, id, signal)) await delay(pollMs, undefined, { signal })
  }
}

/** Networks with all of the labels. */
export async function findNetworks(
  engine: Engine,
  label: string[],
  signal: AbortSignal,
): Promise<NetworkInspectInfo[]> {
  return await engine.call('cannot list networks', signal, (docker) =>
    docker.listNetworks({ filters: { label }, abortSignal: signal }),
  )
}

export async function removeNetworks(
  engine: Engine,
  networks: readonly NetworkInspectInfo[],
  signal: AbortSignal,
): Promise<void> {
  for (const { Id, Name } of networks)
    await engine
      .call(`cannot remove network ${Name}`, signal, (docker) =>
        docker.getNetwork(Id).remove({ abortSignal: signal }),
      )
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
}

async function exists(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.call(`cannot look at container ${id.slice(0, 12)}`, signal, (docker) =>
      docker.getContainer(id).inspect({ abortSignal: signal }),
    )
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

const pollMs = 100
