import type { Fleet } from '../fleet/fleet.ts'
import type { LiveInstance } from './live-instance.ts'

/** What the fleet sees of an instance's agent becomes an event of the instance. */
export function followFleet(fleet: Fleet, instanceOf: (id: string | null) => LiveInstance | undefined): void {
  fleet.handleInstances({
    attached: (worker) => {
      const instance = instanceOf(worker.instanceId)
      if (!instance) return
      // It was reset while this agent was saying hello.
      if (!instance.isConnected) return fleet.disconnect(worker, 'this instance was reset')
      instance.credentialHash ??= worker.session?.credentialHash ?? null
      instance.handle({ type: 'attached' })
    },
    detached: (worker) => instanceOf(worker.instanceId)?.handle({ type: 'detached' }),
    drained: (worker) => {
      const instance = instanceOf(worker.instanceId)
      // The shutdown of its machine ends it.
      if (instance?.row.state === 'parking' || instance?.row.state === 'parked') return
      instance?.handle({ type: 'retired' })
      instance?.handle({ type: 'unwanted', reason: 'its agent wants to end' })
    },
  })
}
