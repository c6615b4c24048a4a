import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { instanceToken } from '../../src/latent/token.ts'
import type { ApiInstance } from '../../src/web/instance-api.ts'
import type { DockerWorkerOptions } from '../../workers/docker/index.ts'
import { labels } from '../../workers/docker/stamps.ts'
import { cells, printed } from '../helpers/cli-output.ts'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { plainImage } from '../helpers/docker/test-images.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { endOf, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const engine = engineForFile(plainImage)
const backend = fileURLToPath(new URL('../../workers/docker/index.ts', import.meta.url))

test('a pool of four works through forty builds with at most four containers, and nothing of it is left', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const volumes = await volumesOfInstances()
  // Long enough that the first container does not do the work of all before the others are there.
  const step = `shell('sleep 0.5')`
  const master = await dockerMaster('pool', { instances: { max: 4 }, buildWaitTimeout: 2 }, step)
  const most = watchMost(master, 'pool')
  const requests = await Promise.all(Array.from({ length: 40 }, () => master.force('unit')))
  for (const request of requests) {
    const { buildIds, result } = await master.request(request, 120_000)
    expect({ builds: buildIds.length, result }).toEqual({ builds: 1, result: 'SUCCESS' })
  }
  await nothingIsLeft(master, 'pool')
  expect(await most()).toEqual({ containers: 4, instances: 4 })
  expect(await volumesOfInstances()).toEqual(volumes)
}, 240_000)

test('with a buildWaitTimeout of 0 each build gets a container and a network of its own', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const options = { buildWaitTimeout: 0, network: 'rouse' }
  const step = `shell('if [ -e /left ]; then exit 1; fi; touch /left')`
  const master = await dockerMaster('fresh', options, step)
  const builds = []
  for (let i = 0; i < 2; i++) builds.push(await endOf(master, await master.force('unit')))
  expect(builds.map(({ result }) => result)).toEqual(['SUCCESS', 'SUCCESS'])
  await nothingIsLeft(master, 'fresh')
  const instances = await instancesOf(master)
  expect(instances.map(({ builds, state }) => ({ builds, state }))).toEqual([
    { builds: 1, state: 'gone' },
    { builds: 1, state: 'gone' },
  ])
  expect(new Set(instances.map(({ ref }) => ref)).size).toBe(2)
  expect(await engine.docker.listNetworks({ filters: { label: [`${labels.worker}=fresh`] } })).toEqual([])
}, 180_000)

test('an image that is not there ends its own request at once with the reason, and others on the worker are built', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await dockerMaster(
    'picky',
    `{ image: (p) => p.get('image'), pull: 'never', instances: { max: 2 }, buildWaitTimeout: 0 }`,
    `shell('true')`,
  )
  const [bad, good] = await Promise.all(
    ['rouse-test/none:1', plainImage].map((image) => master.force('unit', { properties: { image } })),
  )
  const ended = await master.request(bad!)
  expect(ended).toMatchObject({ result: 'EXCEPTION', buildIds: [] })
  expect(ended.startFailure).toMatch(
    /image rouse-test\/none:1 is not on the Docker Engine at .*, and pull is 'never'/,
  )
  expect(await endOf(master, good!)).toMatchObject({ result: 'SUCCESS', worker: 'picky' })
  expect((await printed(master, 'requests', '--all')).out).toMatch(/EXCEPTION.*rouse-test\/none:1 is not on/)
  await nothingIsLeft(master, 'picky')
}, 180_000)

test('no secret is seen by docker inspect while a build uses it, and the command line shows the instance', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const env = { DEPLOY_KEY: 'hunter2-deploy', REGISTRY: 'hunter2-registry' }
  const options = `{ image: ${JSON.stringify(plainImage)}, buildWaitTimeout: 1,
    auth: { username: 'ci', password: rouse.secret('REGISTRY') } }`
  const step = `shell('until [ -e /go ]; do sleep 0.1; done', { env: { KEY: rouse.secret('DEPLOY_KEY') } })`
  const master = await dockerMaster('open', options, step, env)
  const { build, request } = await startBuild(master, 'unit')
  const running = await waitFor('the build to run', async () => {
    const [one] = await instancesOf(master)
    return one?.state === 'busy' ? one : undefined
  })
  const key = await readFile(join(master.dir, 'rouse-data/cluster.key'))
  const inspected = JSON.stringify(await engine.docker.getContainer(running.id).inspect())
  expect(inspected).toContain(running.id)
  expect(inspected).not.toContain(instanceToken(key, running.id, 1))
  expect(inspected).not.toContain('hunter2')

  const listed = cells((await printed(master, 'instances')).out)
  expect(listed).toHaveLength(2)
  expect(listed[1]!.slice(0, 2)).toEqual(['open/1', 'busy'])
  expect(listed[1]).toContain(running.id)
  expect(listed[1]!.at(-1)).toBe(`runs build ${build}`)
  const reaped = await printed(master, 'reap', '--dry-run')
  expect(reaped).toEqual({ code: 0, out: '', err: 'nothing was found that nobody knows\n' })

  const release = await engine.docker.getContainer(running.id).exec({ Cmd: ['/bin/touch', '/go'] })
  await release.start({})
  expect(await master.request(request)).toMatchObject({ result: 'SUCCESS' })
  await nothingIsLeft(master, 'open')
}, 180_000)

test('cancelling a request stops the container that is starting for it', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  // No agent ever comes out of it.
  const master = await dockerMaster('slow', { command: ['/bin/sleep', '600'] }, `shell('true')`)
  const request = await master.force('unit')
  await waitFor('its container', async () => (await containersOf('slow')).length === 1)
  await waitFor('its start', async () => (await instancesOf(master))[0]?.state === 'starting')
  const { waitingFor } = await master.api(`/requests/${request}`)
  expect(waitingFor).toMatch(/starting slow\/1/)
  await master.api(`/requests/${request}/cancel`, { method: 'POST', json: {} })
  expect(await master.request(request)).toMatchObject({ result: 'CANCELLED', buildIds: [] })
  await nothingIsLeft(master, 'slow')
  expect((await instancesOf(master))[0]!.stopReason).toBe('nobody waits for it any more')
}, 180_000)

/** With one latent worker of this name, whose containers have no network unless the options say otherwise. */
async function dockerMaster(
  name: string,
  options: DockerWorkerOptions | string,
  step: string,
  env: NodeJS.ProcessEnv = {},
): Promise<MasterProcess> {
  const given = typeof options === 'string' ? options : JSON.stringify({ image: plainImage, ...options })
  const config = `
import { dockerWorker } from '${backend}'
const { shell } = rouse
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ path: 'agents.sock' }] },
  sweepInterval: 1,
  workers: [dockerWorker('${name}', { docker: '${engine.host}', network: 'none', ...${given} })],
  builders: [{ name: 'unit', workers: ['${name}'], steps: [${step}] }],
})`
  onTestFinished(async () => {
    for (const { Id } of await containersOf(name))
      await engine.docker.getContainer(Id).remove({ force: true })
  })
  return await startMaster({ config, env })
}

async function containersOf(worker: string) {
  return await engine.docker.listContainers({ all: true, filters: { label: [`${labels.worker}=${worker}`] } })
}

async function instancesOf(master: MasterProcess): Promise<ApiInstance[]> {
  return (await master.api<{ items: ApiInstance[] }>('/instances?all=true')).items
}

async function volumesOfInstances(): Promise<string[]> {
  const { Volumes } = await engine.docker.listVolumes()
  return Volumes.map(({ Name }) => Name).filter((name) => !name.startsWith('rouse-runtime-'))
}

async function nothingIsLeft(master: MasterProcess, worker: string): Promise<void> {
  await waitFor('the containers to go', async () => (await containersOf(worker)).length === 0, {
    timeout: 60_000,
  })
  await waitFor(
    'the ledger to say so',
    async () => (await instancesOf(master)).every(({ state }) => state === 'gone'),
    { timeout: 60_000 },
  )
}

/** Looks again and again until it is asked for the most of them that there were at once. */
function watchMost(master: MasterProcess, worker: string): () => Promise<object> {
  const most = { containers: 0, instances: 0 }
  let over = false
  const watching = (async () => {
    while (!over) {
      const living = (await instancesOf(master)).filter(({ state }) => state !== 'gone')
      most.instances = Math.max(most.instances, living.length)
      most.containers = Math.max(most.containers, (await containersOf(worker)).length)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  watching.catch(() => {})
  return async () => {
    over = true
    await watching
    return most
  }
}
