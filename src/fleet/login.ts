import { createHash, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { ErrorCode } from '../model/errors.ts'
import type { Fleet } from './fleet.ts'

export type LoginAnswer =
  { ok: true; worker: string } | { ok: false; status: 401 | 409 | 429; code: ErrorCode; message: string }

/**
 * Checks an agent's name and password. Unknown name and wrong password get the same answer in the same time; the log
 * tells which it was, with the address.
 */
export function login(
  fleet: Fleet,
  log: Logger,
  name: string,
  password: string,
  address: string,
): LoginAnswer {
  const expected = fleet.get(name)?.spec.password
  const right = sameText(password, expected ?? '') && expected !== undefined
  if (right) return { ok: true, worker: name }
  const why = !fleet.get(name)
    ? 'no worker of this name in the config'
    : expected === undefined
      ? 'this worker runs in the master itself and takes no agent'
      : 'wrong password'
  log.warn({ worker: name.slice(0, 100), address }, `agent refused: ${why}`)
  return {
    ok: false,
    status: 401,
    code: 'ROUSE_AGENT_LOGIN_REFUSED',
    message: 'unknown worker name or wrong password',
  }
}

// Hashing first makes the lengths equal, which timingSafeEqual needs, and hides the real one.
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
