import { dirname } from 'node:path'
import type { AgentBundle } from './agent-bundle.ts'
import type { MasterSettings, ResolvedLatentWorker, ResolvedWorker } from './config/master-settings.ts'
import { clusterKey } from './latent/cluster-key.ts'
import type { AgentDelivery } from './latent/agent-delivery.ts'
import { Latent } from './latent/latent.ts'
import type { LatentOptions } from './latent/latent-options.ts'
import type { LatentSpec } from './latent/latent-spec.ts'
import type { NodeRuntime } from './node-runtime.ts'
import { workerSpec } from './worker-spec.ts'

interface OpenLatentOptions extends Pick<
  LatentOptions,
  'clock' | 'cluster' | 'commit' | 'db' | 'fleet' | 'held' | 'log' | 'master' | 'observer' | 'publish'
> {
  readonly settings: MasterSettings
  /** As they are now: a reconfig replaces them. */
  readonly builders: LatentOptions['builders']
  readonly agentBundle: () => Promise<AgentBundle>
  /** What machines without a Node.js get. Default: nothing. */
  readonly nodeRuntime?: () => Promise<NodeRuntime | undefined>
  /** Where agents can connect to, known once the web server listens. */
  readonly agentUrls: () => readonly string[]
  readonly secretValue: (name: string) => string
}

/** The engine of latent workers, with what it needs of the config. */
export async function openLatent(options: OpenLatentOptions): Promise<Latent> {
  const { agentBundle, agentUrls, nodeRuntime, secretValue, settings } = options
  const { clusterKey: configured, dataDir } = settings
  const delivery = async ({ agentUrls: own }: LatentSpec): Promise<AgentDelivery> => {
    const { file, sha256 } = await agentBundle()
    const node = await nodeRuntime?.()
    return { file, sha256, masters: own.length > 0 ? own : agentUrls(), node }
  }
  return new Latent({
    ...options,
    clusterKey: await clusterKey({ dataDir, configured: configured?.value }),
    maxDisconnected: settings.maxDisconnectedSeconds,
    sweepInterval: settings.sweepSeconds,
    orphanGrace: settings.orphanGraceSeconds,
    context: {
      configDir: dirname(settings.configFile),
      readSecret: (secret) => (typeof secret === 'string' ? secret : secretValue(secret.name)),
    },
    delivery,
  })
}

/** The latent ones among the config's workers. */
export function latentSpecs(workers: readonly ResolvedWorker[]): LatentSpec[] {
  return workers
    .filter((worker): worker is ResolvedLatentWorker => worker.kind === 'latent')
    .map((worker) => ({ ...worker, worker: workerSpec(worker) }))
}
