import type { FastifyRequest } from 'fastify'
import { RouseError } from '../model/errors.ts'

/**
 * Throws ROUSE_NOT_ALLOWED unless it is asked on the machine of the master: who may log in there may read the config anyway,
 * others are not told what is wrong in it.
 */
export function onlyFromHere({ ip }: FastifyRequest): void {
  if (/^(::ffff:)?127\.|^::1$/.test(ip)) return
  throw new RouseError('ROUSE_NOT_ALLOWED', 'this may be asked only on the machine of the master')
}
