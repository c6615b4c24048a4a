import type { LatentDescription, LatentOptions } from '../../src/latent/latent-worker.ts'
import type { ImageReference } from '../../src/model/image.ts'
import type { LockAccess } from '../../src/model/lock.ts'
import type { PropertyValue, Renderable } from '../../src/model/properties.ts'
import type { Secret } from '../../src/model/secret.ts'
import type { DockerOption } from './docker-host.ts'

/** What `dockerWorker` takes, beside what every latent worker takes. All but `docker` may be functions of the build's properties. */
export interface DockerOptions {
  /** The Docker Engine. Default: what DOCKER_HOST says, else unix:///var/run/docker.sock. */
  readonly docker?: DockerOption
  /** 'node:24', 'registry.example/team/image:tag', an id, or image('debian-ci') of the config. Either this or `build`. */
  readonly image?: Renderable<string> | ImageReference
  /** When the image is pulled: 'missing' (default), before each start ('always'), or 'never'. */
  readonly pull?: Renderable<Pull>
  /** For a registry that wants a login. */
  readonly auth?: RegistryAuth
  /** Builds the image from a Dockerfile, once for each content of its context. */
  readonly build?: Renderable<ImageBuild>
  /** What the container runs instead of the agent: it must end in `exec /rouse/agent`. Default ['/rouse/agent']. */
  readonly command?: Renderable<readonly string[]>
  /** 'src:dst' or 'src:dst:ro'. `src` is a volume's name, a path on the engine's machine, or a path that begins with '.', seen from the config. */
  readonly volumes?: Renderable<readonly string[]>
  /** The environment of the container, which commands of builds see too. `docker inspect` shows it: no place for secrets. */
  readonly env?: Renderable<Readonly<Record<string, string>>>
  /** A network of the engine, 'host', 'none', or 'container:<name>'; 'rouse' gives each instance a network of its own. Default: the engine's. */
  readonly network?: Renderable<string>
  /** Bytes, or '512m', '2g'. Default: no limit. */
  readonly memory?: Renderable<number | string>
  /** How many processors' worth of time, 0.5 for half a one. Default: no limit. */
  readonly cpus?: Renderable<number>
  readonly hostname?: Renderable<string>
  /** 'name', 'uid' or 'uid:gid'. Default: the image's. */
  readonly user?: Renderable<string>
  /** Whether a small init reaps processes that builds leave behind. Default true. */
  readonly init?: Renderable<boolean>
  /** Default false. */
  readonly privileged?: Renderable<boolean>
  /** Anything else of the Docker Engine API's HostConfig; lists are added to ours, the rest replaces it. */
  readonly hostConfig?: Renderable<HostConfig>
}

export interface ImageBuild {
  /** A folder, relative to the config. What its .dockerignore names is left out. */
  readonly context: string
  /** In the context. Default 'Dockerfile'. */
  readonly dockerfile?: string
  readonly args?: Readonly<Record<string, string>>
  /** Of a Dockerfile with several stages. Default: the last. */
  readonly target?: string
}

export interface RegistryAuth {
  readonly username: string
  readonly password: Secret
  /** Default: the registry in the image's name. */
  readonly server?: string
}

export type Pull = 'missing' | 'always' | 'never'
export type HostConfig = Readonly<Record<string, unknown>>

/** What every worker takes is here, too; its `env` is the container's. */
export interface DockerWorkerOptions extends DockerOptions, LatentOptions {
  /** How many builds may run at once in one instance. Default 1. */
  readonly maxBuilds?: number
  /** Set on every build that runs here. */
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** Set on every build that runs here unless something else has set it. */
  readonly defaultProperties?: Readonly<Record<string, PropertyValue>>
  /** Held by every build that runs here, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
}

/** What `dockerWorker` gives. */
export interface DockerWorkerConfig
  extends Omit<DockerWorkerOptions, keyof DockerOptions>, LatentDescription<DockerTemplate> {
  readonly kind: 'latent'
  readonly name: string
}

/** The options with the properties filled in: plain JSON, which the database holds. */
export interface DockerTemplate {
  readonly image?: string
  readonly pull?: Pull
  /** `password` is the secret's name. */
  readonly auth?: { readonly username: string; readonly password: string; readonly server?: string }
  readonly build?: ImageBuild
  readonly command?: readonly string[]
  readonly volumes?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly network?: string
  readonly memory?: number | string
  readonly cpus?: number
  readonly hostname?: string
  readonly user?: string
  readonly init?: boolean
  readonly privileged?: boolean
  readonly hostConfig?: HostConfig
  /** Nothing of the agent is to stay in the container's own layer, which is kept as an image. */
  readonly provisions?: boolean
}

/** Options that go into the template. */
export const templateOptions = [
  'image',
  'pull',
  'auth',
  'build',
  'command',
  'volumes',
  'env',
  'network',
  'memory',
  'cpus',
  'hostname',
  'user',
  'init',
  'privileged',
  'hostConfig',
] as const satisfies readonly Exclude<keyof DockerTemplate, 'provisions'>[]
