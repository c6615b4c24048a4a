import type { InstanceSpec } from '../../src/latent/backend.ts'
import { masterMounts } from './agent-files.ts'
import type { DockerTemplate, HostConfig } from './docker-options.ts'
import { memoryBytes } from './memory-bytes.ts'
import { bindOf } from './parse-volume.ts'
import { agentScript, rouseFolder } from './paths.ts'
import { labels, stampOf } from './stamps.ts'

export interface ContainerContext {
  readonly cluster: string
  readonly configDir: string
  /** The image's id. */
  readonly image: string
  /** How people call it. */
  readonly imageName: string
  /** The runtime volume. */
  readonly mount: object
}

/** What a container is created from, as the Docker Engine API wants it. No secret is in it: `docker inspect` shows all of it. */
export function containerConfig(spec: InstanceSpec<DockerTemplate>, context: ContainerContext): object {
  const { command, env, hostname, user } = spec.template
  return {
    Image: context.image,
    Entrypoint: command ?? [agentScript],
    Cmd: [],
    WorkingDir: '/',
    Env: Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
    Labels: { ...stampOf(spec, context.cluster), [labels.image]: context.imageName },
    // The image's may take the container for something else than a worker.
    Healthcheck: { Test: ['NONE'] },
    ...(hostname !== undefined && { Hostname: hostname }),
    ...(user !== undefined && { User: user }),
    HostConfig: hostConfig(spec, context),
  }
}

/** The network that an instance has for itself. */
export const ownNetwork = 'rouse'

function hostConfig(
  { agent, id, template }: InstanceSpec<DockerTemplate>,
  context: ContainerContext,
): HostConfig {
  const { cpus, init, memory, network, privileged, volumes } = template
  const sockets = masterMounts(agent.masters).map(({ source, target }) => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: true,
  }))
  const ownFolder = template.provisions ? [{ Type: 'volume', Target: rouseFolder }] : []
  const asked = agent.masters.some((url) => URL.canParse(url) && new URL(url).hostname === hostAlias)
  const ours = {
    Binds: (volumes ?? []).map((volume) => bindOf(volume, context.configDir)),
    Mounts: [...ownFolder, context.mount, ...sockets],
    ExtraHosts: asked ? [`${hostAlias}:host-gateway`] : [],
    Init: init ?? true,
    Privileged: privileged ?? false,
    // Its last output tells why it died, whatever the engine does with logs otherwise.
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
    ...(network !== undefined && { NetworkMode: network === ownNetwork ? id : network }),
    ...(memory !== undefined && { Memory: memoryBytes(memory) }),
    ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) }),
  }
  return merged(ours, template.hostConfig ?? {})
}

function merged(ours: HostConfig, theirs: HostConfig): HostConfig {
  const both = Object.entries(theirs).map(([key, value]) => {
    const own = ours[key]
    return [
      key,
      Array.isArray(own) && Array.isArray(value) ? [...(own as unknown[]), ...(value as unknown[])] : value,
    ]
  })
  return { ...ours, ...(Object.fromEntries(both) as HostConfig) }
}

const hostAlias = 'host.docker.internal'
