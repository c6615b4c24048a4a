import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { labels } from '../../../workers/docker/stamps.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { engineForFile } from '../../helpers/docker/engine-for-file.ts'
import { plainImage } from '../../helpers/docker/test-images.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const engine = engineForFile(plainImage)

test('neither the token nor a path to it is seen by docker inspect', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({ image: plainImage })
  const { ref } = await backend.start(spec({ id: 'seen', token: 'hunter2-token' }), call())
  const container = await engine.docker.getContainer(ref).inspect()
  expect(container.Name).toBe('/seen')
  const everything = [
    container,
    await engine.docker.listVolumes(),
    await engine.docker.listContainers({ all: true }),
  ]
  expect(JSON.stringify(everything)).not.toContain('hunter2')
  expect(container.Config.Labels).toMatchObject({
    [labels.cluster]: engine.cluster,
    [labels.worker]: 'dock',
    [labels.instance]: 'seen',
    [labels.generation]: '1',
    [labels.expires]: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  })
})

test('the options reach the container, and hostConfig adds to them', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  await mkdir(join(engine.folder, 'cache'), { recursive: true })
  const { backend, spec } = await engine.open({
    image: plainImage,
    volumes: ['./cache:/cache:ro', 'rouse-test-named:/named'],
    env: { A: '1' },
    memory: '300m',
    cpus: 0.5,
    hostname: 'builder-1',
    user: '1234',
    hostConfig: { Binds: ['/tmp:/host-tmp:ro'], ShmSize: 67_108_864, PidsLimit: 500 },
  })
  const { ref } = await backend.start(spec(), call())
  const { Config, HostConfig, Mounts } = await engine.docker.getContainer(ref).inspect()
  expect(Config).toMatchObject({
    Hostname: 'builder-1',
    User: '1234',
    Env: expect.arrayContaining(['A=1']) as string[],
  })
  expect(HostConfig).toMatchObject({
    Binds: [`${engine.folder}/cache:/cache:ro`, 'rouse-test-named:/named', '/tmp:/host-tmp:ro'],
    Memory: 314_572_800,
    NanoCpus: 500_000_000,
    ShmSize: 67_108_864,
    PidsLimit: 500,
    Privileged: false,
    Init: true,
  })
  const writable = Object.fromEntries(Mounts.map(({ Destination, RW }) => [Destination, RW]))
  expect(writable).toEqual({ '/cache': false, '/named': true, '/host-tmp': false, '/rouse/runtime': false })
  await backend.stop(spec().id, call())
})

test('the volume with the agent is filled again when someone has removed it', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({ image: plainImage })
  await backend.start(spec({ id: 'before' }), call())
  await backend.stop('before', call())
  for (const name of await runtimeVolumes()) await engine.docker.getVolume(name).remove()
  await backend.start(spec({ id: 'after' }), call())
  const detail = async () => (await backend.list(call())).find(({ id }) => id === 'after')?.state
  await waitFor('the container to run', async () => (await detail()) === 'running')
  await waitFor('the agent to start', async () => (await outputOf('after')).includes('works in /rouse/work'))
})

test('a new agent gets a volume of its own, and the old one goes when nothing uses it', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { agentOf, backend, spec } = await engine.open({ image: plainImage })
  await backend.start(spec({ id: 'old' }), call())
  const [old] = await runtimeVolumes()
  const file = join(engine.folder, 'newer.mjs')
  await writeFile(file, 'setInterval(() => {}, 1000)\n')
  await backend.start(
    spec({ id: 'new', agent: { ...agentOf('ws://127.0.0.1:1'), file, sha256: 'newer' } }),
    call(),
  )
  await backend.sweep!(new Set(), call())
  expect(await runtimeVolumes()).toHaveLength(2)
  await backend.stop('old', call())
  await backend.sweep!(new Set(), call())
  expect(await runtimeVolumes()).toHaveLength(1)
  expect(await runtimeVolumes()).not.toContain(old)
})

test('an instance can have a network of its own, which goes with it', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({ image: plainImage, network: 'rouse' })
  const { ref } = await backend.start(spec({ id: 'networked' }), call())
  const { NetworkSettings } = await engine.docker.getContainer(ref).inspect()
  expect(Object.keys(NetworkSettings.Networks)).toEqual(['networked'])
  await backend.sweep!(new Set(), call())
  expect(await networks()).toContain('networked')
  await backend.stop('networked', call())
  expect(await networks()).not.toContain('networked')
})

test('a network whose container another master is about to make outlives a sweep', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend } = await engine.open({ image: plainImage })
  const Labels = { [labels.instance]: 'theirs', [labels.cluster]: engine.cluster }
  const network = await engine.docker.createNetwork({ Name: 'theirs', Labels })
  await backend.sweep!(new Set(), call())
  expect(await networks()).toContain('theirs')
  await network.remove()
})

test('anonymous volumes of a container go with it, named ones stay', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const options = {
    image: plainImage,
    volumes: ['rouse-test-kept:/kept'],
    hostConfig: { Mounts: [{ Type: 'volume', Target: '/anonymous' }] },
  }
  const { backend, spec } = await engine.open(options)
  const before = await volumes()
  await backend.start(spec({ id: 'with-volumes' }), call())
  await backend.stop('with-volumes', call())
  const added = (await volumes()).filter(
    (name) => !before.includes(name) && !name.startsWith('rouse-runtime-'),
  )
  expect(added).toEqual(['rouse-test-kept'])
})

test('a start tells why a container that is there has ended', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({
    image: plainImage,
    command: ['/bin/sh', '-c', 'echo no disk; exit 7'],
  })
  await backend.start(spec({ id: 'ended' }), call())
  await waitFor('its end', async () => !(await engine.docker.getContainer('ended').inspect()).State.Running)
  expect(await backend.start(spec({ id: 'ended' }), call())).toMatchObject({
    state: 'failed',
    detail: 'the container ended with exit code 7: no disk',
  })
})

test('a container of someone else with the name of an instance is left alone', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({ image: plainImage })
  const theirs = await engine.docker.createContainer({
    name: 'taken',
    Image: plainImage,
    Cmd: ['true'],
    HostConfig: { NetworkMode: 'none' },
  })
  await expect(backend.start(spec({ id: 'taken' }), call())).rejects.toThrow('another container named taken')
  await backend.stop('taken', call())
  expect((await theirs.inspect()).State.Status).toBe('created')
  await theirs.remove()
})

test('a socket of the master is mounted with its folder, so that a new one of the same name is found', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const { agentOf, backend, spec } = await engine.open({ image: plainImage })
  const agent = agentOf('wss://ci.example', `unix:${engine.folder}/agents.sock`)
  const { ref } = await backend.start(spec({ agent }), call())
  const { Mounts } = await engine.docker.getContainer(ref).inspect()
  expect(Mounts).toContainEqual(
    expect.objectContaining({ Source: engine.folder, Destination: '/rouse/master/1', RW: false }),
  )
  const script = await engine.docker.getContainer(ref).getArchive({ path: '/rouse/agent' })
  let text = ''
  for await (const part of script) text += String(part)
  expect(text).toContain("'--master' 'wss://ci.example' '--master' 'unix:/rouse/master/1/agents.sock'")
})

async function volumes(): Promise<string[]> {
  return (await engine.docker.listVolumes()).Volumes.map(({ Name }) => Name)
}

async function runtimeVolumes(): Promise<string[]> {
  return (await volumes()).filter(
    (name) => name.startsWith('rouse-runtime-') && name.endsWith(engine.cluster),
  )
}

async function networks(): Promise<string[]> {
  return (await engine.docker.listNetworks()).map(({ Name }) => Name)
}

async function outputOf(container: string): Promise<string> {
  return (await engine.docker.getContainer(container).logs({ stdout: true, stderr: true })).toString()
}
