import type { InstanceId } from '../../src/latent/backend.ts'
import type { Leftovers } from '../../src/util/leftovers.ts'
import type { Engine } from './engine.ts'
import { findNetworks, removeContainer, removeNetworks } from './remove-made.ts'
import { labels } from './stamps.ts'

/** Removes what the cluster's masters have left behind: helpers of a master that died, networks of instances that are gone. */
export async function sweepEngine(
  engine: Engine,
  cluster: string,
  {
    known,
    leftovers,
    list,
  }: {
    known: ReadonlySet<InstanceId>
    leftovers: Leftovers
    list: () => Promise<readonly { readonly id: InstanceId }[]>
  },
  signal: AbortSignal,
): Promise<void> {
  const ours = `${labels.cluster}=${cluster}`
  const helpers = await engine.call('cannot list containers', signal, (docker) =>
    docker.listContainers({ all: true, filters: { label: [ours, labels.helper] }, abortSignal: signal }),
  )
  // By the engine's clock, which Created is of, a helper that another master uses now would be younger.
  for (const { Created, Id } of helpers)
    if (Date.now() / 1000 - Created > helperSeconds) await removeContainer(engine, Id, signal)
  const begun = performance.now()
  const networks = await findNetworks(engine, [ours, labels.instance], signal)
  // Afterwards: a container is made when its network is there.
  const alive = new Set([...known, ...(await list()).map(({ id }) => id)])
  const idOf = ({ Labels }: (typeof networks)[number]) => Labels?.[labels.instance] ?? ''
  const found = new Set(networks.map(idOf).filter((id) => !alive.has(id)))
  const due = leftovers.due(found, { begun, now: performance.now() })
  await removeNetworks(
    engine,
    networks.filter((network) => due.has(idOf(network))),
    signal,
  )
}

// Longer than a probe may take.
const helperSeconds = 600
