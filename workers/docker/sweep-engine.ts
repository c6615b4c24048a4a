import type { Engine } from './engine.ts'
import { removeContainer, removeNetworks } from './remove-made.ts'
import { labels } from './stamps.ts'

/** Removes what the cluster's masters have left behind: helpers of a master that died, networks of instances that are gone. */
export async function sweepEngine(
  engine: Engine,
  cluster: string,
  isAlive: (id: string | undefined) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const ours = `${labels.cluster}=${cluster}`
  const helpers = await engine.call('cannot list containers', signal, (docker) =>
    docker.listContainers({ all: true, filters: { label: [ours, labels.helper] }, abortSignal: signal }),
  )
  // By the engine's clock, which Created is of, a helper that another master uses now would be younger.
  for (const { Created, Id } of helpers)
    if (Date.now() / 1000 - Created > helperSeconds) await removeContainer(engine, Id, signal)
  await removeNetworks(engine, [ours, labels.instance], (found) => !isAlive(found[labels.instance]), signal)
}

// Longer than a probe may take.
const helperSeconds = 600
