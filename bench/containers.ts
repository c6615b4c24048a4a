import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { startDockerEngine, programOf, type DockerEngine } from '../test/helpers/docker/docker-engine.ts'
import { makeImage, plainImage } from '../test/helpers/docker/test-images.ts'
import { launchMaster, type MasterProcess, type OnEnd } from '../test/helpers/master-process.ts'
import { waitFor } from '../test/helpers/wait-for.ts'
import { median, type Row } from './row.ts'

const samples = 5

/** From force to the first output in a Docker container, idle or to be started, beside `docker run` of its image. A text says why not. */
export async function measureContainers(onEnd: OnEnd): Promise<readonly Row[] | string> {
  const docker = programOf('docker')
  if (!docker) return 'needs the docker command'
  const engine = await startDockerEngine()
  if (typeof engine === 'string') return engine
  onEnd(() => engine.stop())
  const missing = await makeImage(engine, plainImage)
  if (missing) return missing
  const master = await launchMaster({ config: configOf(engine) }, onEnd)
  await master.request(await master.force('warm'))
  await master.request(await master.force('cold'))
  const bare = await measured(() => dockerRun(docker, engine.host))
  const warm = await measured(() => firstOutput(master, 'warm'))
  const cold = await measured(async () => {
    await noInstance(master, 'cold')
    return await firstOutput(master, 'cold')
  })
  await noInstance(master, 'cold')
  await master.end('SIGTERM')
  const row = (what: string, values: readonly number[]): Row => ({
    claim: `latency from force to the first bytes of output in a Docker container, ${what} (median of ${samples})`,
    measured: `${median(values).toFixed(0)} ms, worst ${Math.max(...values).toFixed(0)} ms`,
    limit: `${median(bare).toFixed(0)} ms from \`docker run\` of the same image to its first byte`,
    ratio: `${(median(values) / median(bare)).toFixed(2)} times docker run`,
  })
  return [row('warm: one is idle', warm), row('cold: one is started', cold)]
}

async function measured(sample: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  while (values.length < samples) values.push(await sample())
  return values
}

async function firstOutput(master: MasterProcess, builder: string): Promise<number> {
  const socket = new WebSocket(`${master.url.replace('http', 'ws')}/api/v1/events?types=log.grew`)
  await once(socket, 'open')
  try {
    const started = performance.now()
    const grew = once(socket, 'message')
    const request = await master.force(builder)
    await grew
    const ms = performance.now() - started
    const { result } = await master.request(request)
    if (result !== 'SUCCESS') throw new Error(`a build of ${builder} ended ${result}`)
    return ms
  } finally {
    socket.terminate()
  }
}

async function dockerRun(docker: string, host: string): Promise<number> {
  const args = ['--host', host, 'run', '--rm', '--init', '--network=none', plainImage, 'echo', 'first']
  const started = performance.now()
  const child = spawn(docker, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  const ms = performance.now() - started
  await closed
  return ms
}

async function noInstance(master: MasterProcess, worker: string): Promise<void> {
  const living = `/instances?worker=${worker}`
  await waitFor('the last instance to end', async () => (await master.api(living)).items.length === 0)
}

function configOf({ host }: DockerEngine): string {
  const common = JSON.stringify({ docker: host, image: plainImage, network: 'none' })
  return `
import { dockerWorker } from '${fileURLToPath(new URL('../workers/docker/index.ts', import.meta.url))}'
const steps = [rouse.shell(['echo', 'first'])]
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ path: 'agents.sock' }] },
  sweepInterval: 1,
  workers: [
    dockerWorker('warm', ${common}),
    dockerWorker('cold', { ...${common}, buildWaitTimeout: 0 }),
  ],
  builders: [{ name: 'warm', workers: ['warm'], steps }, { name: 'cold', workers: ['cold'], steps }],
})`
}
