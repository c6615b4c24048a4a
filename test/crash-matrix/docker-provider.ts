import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineForFile } from '../helpers/docker/engine-for-file.ts'
import { plainImage } from '../helpers/docker/test-images.ts'
import type { OnEnd } from '../helpers/master-process.ts'
import { startEngineTrap } from './engine-trap.ts'
import type { Provider } from './provider.ts'

/** A real Docker Engine behind a socket that sees each call. */
export async function startDockerProvider(engine: EngineForFile, onEnd: OnEnd): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-trap-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const socket = join(folder, 'docker.sock')
  const trap = await startEngineTrap(engine.host.slice('unix://'.length), socket, onEnd)
  const machines = async () => {
    const containers = await engine.docker.listContainers({ all: true })
    return containers.filter(({ Id }) => trap.created.has(Id))
  }
  onEnd(async () => {
    for (const { Id } of await machines()) await engine.docker.getContainer(Id).remove({ force: true })
  })
  const options = { docker: `unix://${socket}`, image: plainImage, network: 'host', buildWaitTimeout: 0 }
  const provider: Provider = {
    // The command leaves its trace in the master's folder.
    worker: `
const { dockerWorker } = await import('rouse/workers/docker')
const worker = dockerWorker('dock', {
  ...${JSON.stringify(options)},
  agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
  volumes: [\`\${process.cwd()}:\${process.cwd()}\`],
})`,
    witness: () => {},
    machines: async () => (await machines()).length,
    made: () => trap.created.size,
    attachTo: () => {},
    cut: () => trap.cut(),
  }
  trap.witness = (operation, when) => provider.witness(operation, when)
  return provider
}
