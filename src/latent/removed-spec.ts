import type { LatentSpec } from './latent-spec.ts'
import type { InstanceFacts } from './ledger.ts'

/** For an instance whose worker left the config while no master ran: it finishes its builds and ends. */
export function removedSpec({ backend, template, worker: name }: InstanceFacts): LatentSpec {
  const none = { properties: {}, defaultProperties: {}, env: {}, locks: [], keepaliveInterval: null }
  return {
    name,
    worker: { kind: 'latent', name, maxBuilds: 1, ...none },
    backend: {
      kind: 'removed',
      key: backend,
      open: () => {
        throw new Error('it is open already')
      },
    },
    template,
    reset: null,
    park: false,
    buildWaitTimeout: 0,
    startTimeout: 60,
    maxStartAttempts: 1,
    max: 0,
    minIdle: 0,
    maxBuildsPerInstance: 1,
    maxAge: 86_400,
    onShutdown: undefined,
    agentUrls: [],
    pricePerHour: null,
    budgetPerDay: null,
  }
}
