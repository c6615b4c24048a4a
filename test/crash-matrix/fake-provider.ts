import { join } from 'node:path'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { FakeCloud, type FakeMachine } from '../../workers/fake/index.ts'
import { serveFakeCloud } from '../../workers/fake/serve-fake-cloud.ts'
import type { Provider } from './provider.ts'

/** A fake cloud in this process that outlives the masters, with a real agent on each machine. */
export async function startFakeProvider(
  onEnd: OnEnd,
  { parks = false, resets = false } = {},
): Promise<Provider> {
  let master: MasterProcess | undefined
  const made = new Set<string>()
  let boots = 0
  const lives = new Map<string, Promise<void>>()
  // The next life of a machine begins when nothing of the last one runs any more.
  const boot = (machine: FakeMachine) => {
    const { signal } = machine
    const life = (lives.get(machine.ref) ?? Promise.resolve()).then(() => live(machine, signal))
    lives.set(
      machine.ref,
      life.catch(() => {}),
    )
    return life
  }
  const live = async (machine: FakeMachine, signal: AbortSignal) => {
    made.add(machine.ref)
    if (signal.aborted) return
    // Before its snapshot is taken, an agent waits for the token of the next generation.
    if (resets && machine.spec.generation === 1) return
    const ends: (() => Promise<unknown>)[] = []
    const agent = await master!.agent(machine.id, machine.spec.token, {
      command: [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker', '--instance'],
      // What is on its disk is gone after a reset.
      ...(resets && { baseDir: join(master!.dir, `agent-${++boots}`) }),
      ...(parks && { baseDir: join(master!.dir, `agent-${machine.ref}`) }),
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
  const options = parks
    ? "idle: 'stop', buildWaitTimeout: 1, instances: { maxBuildsPerInstance: 2 }"
    : resets
      ? "reset: 'snapshot', buildWaitTimeout: 2"
      : 'buildWaitTimeout: 0'
  const provider: Provider = {
    worker: `
const { fakeWorker } = await import('rouse/workers/fake')
const worker = fakeWorker('dock', { url: '${served.url}', ${options} })`,
    ...(resets && { builds: 2, most: 2 }),
    ...(parks && { builds: 2, parks, patience: 150_000 }),
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
