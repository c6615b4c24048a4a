import { BackendError } from '../../src/latent/backend-error.ts'
import type { InstanceId } from '../../src/latent/backend.ts'
import { RouseError } from '../../src/model/errors.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Looks } from './looks.ts'
import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { hasStatus, verdict } from './openstack-error.ts'
import { serverOf, type NovaServer, type Server } from './server.ts'
import type { Sightings } from './sightings.ts'

export interface ShutDownOptions {
  readonly api: OpenStackApi
  readonly clock: Clock
  /** Milliseconds for which a machine may power itself off before it is asked to. */
  readonly lag: number
  readonly looks: Looks
  readonly seen: Sightings
  readonly signal: AbortSignal
}

/**
 * Resolves to the server of an id when it is powered off, by itself or because it was asked to. Throws
 * ROUSE_IMAGE_NOT_SHUT_DOWN when its system did not do so cleanly, for nobody knows then what is on its disk, and REJECTED when its disk is a volume.
 */
export async function shutDown(id: InstanceId, o: ShutDownOptions): Promise<Server> {
  const { clock, lag, signal } = o
  const { ref } = await onlyBearer(id, o)
  const begun = clock.now()
  let asked: number | undefined
  for (;;) {
    const server = await serverNow(ref, o)
    const { fault, status, task } = server
    if (status === 'ERROR') throw new BackendError('REJECTED', `the server is in ERROR: ${fault}`)
    if (status === 'SHUTOFF') return server
    const now = clock.now()
    // Its agent has just ended: it removes what belongs to that, and powers itself off.
    if (status === 'ACTIVE' && task === '' && asked === undefined && now - begun >= lag) {
      await stop(ref, o)
      asked = now
    }
    if (now - (asked ?? begun + lag) > cleanMs)
      throw new RouseError(
        'ROUSE_IMAGE_NOT_SHUT_DOWN',
        `the system of server ${ref} has not shut down within ${cleanMs / 1000} s`,
      )
    await clock.sleep(Math.min(pollMs, Math.max(lag, 50)), signal)
  }
}

async function onlyBearer(id: InstanceId, { looks, seen, signal }: ShutDownOptions): Promise<Server> {
  if (seen.living(id).length === 0) await looks.now(signal)
  const [server, ...others] = seen.living(id)
  if (server && others.length === 0) return server
  throw new Error(server ? `${others.length + 1} servers have the id ${id}` : `there is no server of ${id}`)
}

async function serverNow(ref: string, { api, signal }: ShutDownOptions): Promise<Server> {
  const path = `/servers/${ref}`
  const get = { service: 'compute', method: 'GET', path, urgency: 'stop', signal } as const
  const found = await unlessGone(
    api.call<{ server: NovaServer & { readonly image?: { readonly id?: string } | '' } }>(get),
  )
  if (!found) throw new Error('the server is gone')
  if (found.server.image === '')
    throw new BackendError(
      'REJECTED',
      'the disk of the server is a volume: an image is made on the disk of a flavor, of an image that is no snapshot of a volume',
    )
  return serverOf(found.server)
}

async function stop(ref: string, { api, signal }: ShutDownOptions): Promise<void> {
  const path = `/servers/${ref}/action`
  const body = { 'os-stop': null }
  try {
    await api.call({ service: 'compute', method: 'POST', path, body, urgency: 'stop', signal })
  } catch (error) {
    // It has begun to stop by itself meanwhile.
    if (!hasStatus(error, 409)) throw verdict(error)
  }
}

/** Milliseconds. Nova waits a minute, unless its operator has changed that, and does not tell whether it has pulled the plug. */
const cleanMs = 58_000
const pollMs = 1000
