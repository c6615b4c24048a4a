import { join } from 'node:path'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { FakeCloud, type FakeMachine } from '../../workers/fake/index.ts'
import { serveFakeCloud } from '../../workers/fake/serve-fake-cloud.ts'
import type { Provider } from './provider.ts'

/** A fake cloud in this process that outlives the masters, with a real agent on each machine. */
export async function startFakeProvider(onEnd: OnEnd, { resets = false } = {}): Promise<Provider> {
  let master: MasterProcess | undefined
  const made = new Set<string>()
  let boots = 0
  const boot = async (machine: FakeMachine) => {
    made.add(machine.ref)
    // Before its snapshot is taken, an agent waits for the token of the next generation.
    if (resets && machine.spec.generation === 1) return
    const { signal } = machine
    const ends: (() => Promise<unknown>)[] = []
    const agent = await master!.agent(machine.id, machine.spec.token, {
      command: [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker', '--instance'],
      // What is on its disk is gone after a reset.
      ...(resets && { baseDir: join(master!.dir, `agent-${++boots}`) }),
      onEnd: (end) => ends.unshift(end),
    })
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    void agent
    for (const end of ends) await end()
  }
  const cloud = new FakeCloud({ boot })
  const served = await serveFakeCloud(cloud)
  onEnd(async () => {
    await served.close()
    await cloud.close()
  })
  const provider: Provider = {
    worker: `
const { fakeWorker } = await import('rouse/workers/fake')
const worker = fakeWorker('dock', { url: '${served.url}', ${resets ? "reset: 'snapshot', buildWaitTimeout: 2" : 'buildWaitTimeout: 0'} })`,
    ...(resets && { builds: 2, most: 2 }),
    witness: () => {},
    machines: async () => cloud.machines.length,
    made: () => made.size,
    attachTo: (to) => void (master = to),
  }
  cloud.witness = (call, moment) => {
    provider.witness(call.operation, moment === 'asked' ? 'before' : 'after')
  }
  return provider
}
