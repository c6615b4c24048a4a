import Type from 'typebox'
import { RouseError } from '../model/errors.ts'

const id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** `{id}` in a path. */
export const IdParams = Type.Object({ id })

/** A request's `{id}`: as `rouse requests` prints it (r12), or the number. */
export const RequestIdParams = Type.Object({
  id: Type.String({ pattern: '^r?[1-9][0-9]{0,15}$', examples: ['r12'] }),
})

/** An instance's `{id}`: 'rouse-1a2b3c4d-dock-2-k3j9x0ab'. */
export const InstanceId = Type.String({ pattern: '^[a-z0-9-]{1,100}$' })
export const InstanceIdParams = Type.Object({ id: InstanceId })

/** `{name}` in a path. */
export const NameParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 1024 }) })

export function requestId(text: string): number {
  const number = Number(text.replace('r', ''))
  if (!Number.isSafeInteger(number))
    throw new RouseError('ROUSE_REQUEST_UNKNOWN', `there is no request ${text}`)
  return number
}
