import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where the Docker Engine is: 'unix:///var/run/docker.sock', 'tcp://10.0.0.5:2375'; with TLS by the PEM files of a client. */
export type DockerOption = string | DockerTlsOption

export interface DockerTlsOption {
  /** 'tcp://10.0.0.5:2376' */
  readonly host: string
  /** PEM files, relative to the config. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** How dockerode connects. */
export interface DockerHost {
  /** For people. */
  readonly name: string
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }
}

/** The option, or what DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say, or the usual socket. */
export function dockerOption(
  option: DockerOption | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): DockerOption {
  if (option !== undefined) return option
  const host = env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  const folder = env.DOCKER_CERT_PATH
  if (!env.DOCKER_TLS_VERIFY || !folder) return host
  return { host, ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
}

/** What is wrong with the option, undefined when nothing is. */
export function dockerMistake(option: unknown): string | undefined {
  if (typeof option === 'string') return hostMistake(option)
  if (typeof option !== 'object' || option === null) return `docker: must be ${hostForms}`
  const { host, ...files } = option as Partial<DockerTlsOption>
  const mistake = hostMistake(host)
  if (mistake) return mistake
  if (!host?.startsWith('tcp://'))
    return `docker.host: TLS needs tcp://host:port, got ${JSON.stringify(host)}`
  const missing = (['ca', 'cert', 'key'] as const).find(
    (name) => typeof files[name] !== 'string' || !files[name],
  )
  return missing && `docker.${missing}: must be the name of a PEM file`
}

/** The engine's name in the key of a factory: the same for options that lead to the same engine in the same way. */
export function dockerKey(option: DockerOption): string {
  return typeof option === 'string' ? option : `${option.host} (${option.cert})`
}

/** Reads the PEM files. Throws an Error when one cannot be read. */
export function openDockerHost(option: DockerOption, configDir: string): DockerHost {
  const name = typeof option === 'string' ? option : option.host
  if (name.startsWith('unix://'))
    return { name, socketPath: resolve(configDir, name.slice('unix://'.length)) }
  if (name.startsWith('/')) return { name: `unix://${name}`, socketPath: name }
  const url = new URL(name)
  const tls = typeof option === 'object' && {
    ca: readFileSync(resolve(configDir, option.ca)),
    cert: readFileSync(resolve(configDir, option.cert)),
    key: readFileSync(resolve(configDir, option.key)),
  }
  return { name, host: url.hostname, port: Number(url.port || (tls ? 2376 : 2375)), ...(tls && { tls }) }
}

/** Whether paths of the master's machine mean the same to the engine. */
export function isLocalHost(host: DockerHost): boolean {
  return host.socketPath !== undefined
}

function hostMistake(host: unknown): string | undefined {
  const good =
    typeof host === 'string' &&
    (/^(unix:\/\/)?\/./.test(host) ||
      (host.startsWith('tcp://') && URL.canParse(host) && new URL(host).hostname !== ''))
  return good ? undefined : `docker: must be ${hostForms}, got ${JSON.stringify(host)}`
}

const hostForms = "'unix:///path', 'tcp://host:port' or { host: 'tcp://host:port', ca, cert, key }"
