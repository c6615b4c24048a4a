import pino from 'pino'
import type { Secret } from '../../../src/model/secret.ts'
import { secret } from '../../../src/model/secret.ts'
import type { Clock } from '../../../src/util/clock.ts'
import { Ec2Backend } from '../../../workers/ec2/ec2-backend.ts'
import type { ConnectionOptions } from '../../../workers/ec2/connection-options.ts'
import type { Ec2Template } from '../../../workers/ec2/ec2-options.ts'
import { ec2Worker, type MachineOptions } from '../../../workers/ec2/index.ts'

/** A backend at a fake or a third party's endpoint, as a master opens it. */
export async function openEc2Backend(
  connection: Partial<ConnectionOptions>,
  cluster: string,
  clock?: Clock,
): Promise<Ec2Backend> {
  const options = {
    region: 'eu-test-1',
    credentials: { accessKeyId: 'AKIDFAKE', secretAccessKey: secret('AWS') },
    ...connection,
  }
  const readSecret = (of: string | Secret) => (typeof of === 'string' ? of : 'not-a-secret')
  const log = pino({ level: 'silent' })
  return await Ec2Backend.open(options, { cluster, log, configDir: '/', readSecret }, clock)
}

/** The template of options that compute nothing. */
export function templateOf(options: MachineOptions & { idle?: 'stop' }): Ec2Template {
  const { template } = ec2Worker('cloud', { region: 'eu-test-1', ...options })
  if (typeof template === 'function') throw new Error('it is computed')
  return template
}
