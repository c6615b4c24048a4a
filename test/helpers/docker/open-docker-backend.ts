import pino from 'pino'
import type { WorkerBackend } from '../../../src/latent/backend.ts'
import type { Secret } from '../../../src/model/secret.ts'
import type { DockerTemplate } from '../../../workers/docker/docker-options.ts'
import { dockerWorker, type DockerWorkerOptions } from '../../../workers/docker/index.ts'

/** A Docker worker's backend as a master opens it. */
export async function openDockerBackend(
  options: DockerWorkerOptions,
  cluster: string,
  { configDir = '/', secrets = {} }: { configDir?: string; secrets?: Readonly<Record<string, string>> } = {},
): Promise<WorkerBackend<DockerTemplate>> {
  const { backend } = dockerWorker('dock', options)
  const readSecret = (secret: string | Secret) =>
    typeof secret === 'string' ? secret : (secrets[secret.name] ?? '')
  return await backend.open({ cluster, log: pino({ level: 'silent' }), configDir, readSecret })
}

/** The template of options that compute nothing. */
export function templateOf(options: DockerWorkerOptions): DockerTemplate {
  const { template } = dockerWorker('dock', options)
  if (typeof template === 'function') throw new Error('it is computed')
  return template
}
