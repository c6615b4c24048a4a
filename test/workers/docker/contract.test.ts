import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { contract } from '../../backends/contract/contract.ts'
import { bundleAgent } from '../../helpers/docker/agent-delivery.ts'
import { startDockerEngine } from '../../helpers/docker/docker-engine.ts'
import { openDockerBackend, templateOf } from '../../helpers/docker/open-docker-backend.ts'
import { emptyImage, makeImage, muslImage, plainImage } from '../../helpers/docker/test-images.ts'
import { silentServer } from '../../helpers/silent-server.ts'
import { labels } from '../../../workers/docker/stamps.ts'

contract('docker', async () => {
  const engine = await startDockerEngine()
  if (typeof engine === 'string') return engine
  let missing: string | undefined
  try {
    for (const image of [plainImage, muslImage, emptyImage]) missing ??= await makeImage(engine, image)
  } catch (error) {
    await engine.stop()
    throw error
  }
  if (missing !== undefined) {
    await engine.stop()
    return missing
  }
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  const agent = await bundleAgent(folder, ['ws://127.0.0.1:1'])
  const silent = await silentServer(join(folder, 'silent.sock'))
  const { docker } = engine
  const plain = { image: plainImage, network: 'none' }
  const open = (host: string, cluster: string) => openDockerBackend({ docker: host, ...plain }, cluster)

  return {
    agent,
    open: (cluster) => open(engine.host, cluster),
    template: templateOf(plain),
    images: {
      from: plainImage,
      machine: { ...templateOf({ ...plain, user: 'root' }), provisions: true },
      using: (image) => templateOf({ ...plain, image, pull: 'never' }),
    },
    crashing: {
      template: templateOf({ ...plain, command: ['/bin/sh', '-c', 'echo cannot go on >&2; exit 3'] }),
      output: 'ended with exit code 3: cannot go on',
    },
    rejected: [
      { template: templateOf({ ...plain, image: muslImage }), reason: /built on musl/ },
      { template: templateOf({ ...plain, image: emptyImage }), reason: /has no shell/ },
      {
        template: templateOf({ ...plain, image: 'rouse-test/none:1', pull: 'never' }),
        reason: /is not on the Docker Engine/,
      },
      {
        template: templateOf({ ...plain, network: 'no-such-network' }),
        reason: /network: the engine does not have it/,
      },
      { template: templateOf({ ...plain, user: 'nobody-knows' }), reason: /user: / },
      { template: templateOf({ ...plain, command: ['/no/such/program'], init: false }), reason: /command: / },
      { template: templateOf({ ...plain, volumes: ['nowhere:relative'] }), reason: /volumes\[0\]/ },
      { template: templateOf({ ...plain, cpus: 1000 }), reason: /cpus/i },
    ],
    // Each network takes a range of addresses, and the engine has few.
    ...(engine.own && {
      async useUp() {
        const networks: Docker.Network[] = []
        for (let full = false; !full;) {
          await docker.createNetwork({ Name: `taken-${networks.length}` }).then(
            (network) => networks.push(network),
            () => (full = true),
          )
        }
        const free = async () => void (await Promise.all(networks.map((network) => network.remove())))
        return { template: templateOf({ ...plain, network: 'rouse' }), free }
      },
    }),
    async halfMade(spec, cluster) {
      await docker.createContainer({
        name: spec.id,
        Image: plainImage,
        Entrypoint: ['/rouse/agent'],
        Labels: { [labels.instance]: spec.id, [labels.cluster]: cluster, [labels.worker]: spec.worker },
        HostConfig: { NetworkMode: 'none' },
      })
    },
    async leftover(id, cluster) {
      const network = await docker.createNetwork({
        Name: id,
        Labels: { [labels.instance]: id, [labels.cluster]: cluster },
      })
      return () =>
        network.inspect().then(
          () => true,
          () => false,
        )
    },
    unreachable: (cluster) => open(`unix://${folder}/nothing.sock`, cluster),
    silent: (cluster) => open(`unix://${folder}/silent.sock`, cluster),
    async bearers(id) {
      const all = await docker.listContainers({ all: true })
      return all.filter(({ Labels, Names }) => Labels[labels.instance] === id || Names.includes(`/${id}`))
        .length
    },
    async close() {
      await silent.close()
      await engine.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
