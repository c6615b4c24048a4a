import pino from 'pino'
import { secret, type Secret } from '../../../src/model/secret.ts'
import type { Clock } from '../../../src/util/clock.ts'
import type { ConnectionOptions } from '../../../workers/openstack/connection-options.ts'
import { openstackWorker, type ServerOptions } from '../../../workers/openstack/index.ts'
import { OpenStackBackend } from '../../../workers/openstack/openstack-backend.ts'
import type { OpenStackTemplate } from '../../../workers/openstack/openstack-options.ts'

export const readSecret = (of: string | Secret) => (typeof of === 'string' ? of : 'right')

/** The user that every fake knows. */
export function authAt(authUrl: string): NonNullable<ConnectionOptions['auth']> {
  return { authUrl, username: 'ci', password: secret('OS'), projectName: 'ci' }
}

/** A backend as a master opens it. */
export async function openOpenStackBackend(
  connection: ConnectionOptions,
  cluster: string,
  clock?: Clock,
): Promise<OpenStackBackend> {
  const context = { cluster, log: pino({ level: 'silent' }), configDir: '/', readSecret }
  return await OpenStackBackend.open(connection, context, clock)
}

/** The template of options that compute nothing. */
export function templateOf(options: ServerOptions): OpenStackTemplate {
  const { template } = openstackWorker('cloud', options)
  if (typeof template === 'function') throw new Error('it is computed')
  return template
}
