import type { InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { createRequest } from './create-request.ts'
import type { Faults } from './faults.ts'
import type { Looks } from './looks.ts'
import type { Names } from './names.ts'
import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { OpenStackError, noRoom, verdict } from './openstack-error.ts'
import type { OpenStackTemplate } from './openstack-options.ts'
import { isDeleting, isOver, isUnplaced, serverOf, type NovaServer, type Server } from './server.ts'
import type { Sightings } from './sightings.ts'
import { stampOf } from './stamps.ts'
import { untilAborted } from './until-aborted.ts'

interface LauncherParts {
  readonly api: OpenStackApi
  readonly cluster: string
  readonly faults: Faults
  readonly looks: Looks
  readonly names: Names
  readonly seen: Sightings
  readonly remove: (server: Server, signal: AbortSignal) => Promise<void>
}

/**
 * Makes servers, the same one for the same id, although Nova has no token for that: it looks for the id's stamp before it asks,
 * and again when an answer was lost. What two masters or a late answer make twice is removed by the lists.
 */
export class Launcher {
  readonly #o: LauncherParts
  /** Requests that were sent and whose answers are awaited, also when the start was given up: they may still make a server. */
  readonly #creating = new Map<InstanceId, Promise<Server>>()

  constructor(parts: LauncherParts) {
    this.#o = parts
  }

  async launch(spec: InstanceSpec<OpenStackTemplate>, signal: AbortSignal): Promise<Server> {
    signal.throwIfAborted()
    await this.settled(spec.id, signal)
    const server = (await this.#present(spec.id, signal)) ?? (await this.#create(spec, signal))
    return await this.#placed(server, signal)
  }

  /** Resolves when no request for an id is under way. */
  async settled(id: InstanceId, signal: AbortSignal): Promise<void> {
    const creating = this.#creating.get(id)
    if (creating)
      await untilAborted(
        creating.then(
          () => {},
          () => {},
        ),
        signal,
      )
  }

  async #present(id: InstanceId, signal: AbortSignal): Promise<Server | undefined> {
    const { api, looks, seen } = this.#o
    const answer = seen.answerOf(id)
    if (answer) {
      const path = `/servers/${answer.ref}`
      const get = api.call<{ server: NovaServer }>({
        service: 'compute',
        method: 'GET',
        path,
        urgency: 'start',
        signal,
      })
      const found = await unlessGone(get)
      const server = found && serverOf(found.server)
      if (server && !isOver(server) && !isDeleting(server)) return server
      seen.forget(answer)
    }
    await looks.now(signal)
    return best(seen.living(id))
  }

  async #create(spec: InstanceSpec<OpenStackTemplate>, signal: AbortSignal): Promise<Server> {
    const { api, cluster, looks, names, seen } = this.#o
    const metadata = stampOf(spec, cluster)
    const body = await createRequest({ spec, metadata }, { api, names, signal })
    const call = {
      service: 'compute',
      method: 'POST',
      path: '/servers',
      urgency: 'start',
      lasting: true,
    } as const
    const creating = api.call<{ server: { id: string } }>({ ...call, body, signal }).then(({ server }) => {
      const made = {
        id: server.id,
        name: spec.id,
        status: 'BUILD',
        metadata,
        created: new Date().toISOString(),
      }
      seen.add(serverOf(made))
      return serverOf(made)
    })
    this.#creating.set(spec.id, creating)
    const over = () => void (this.#creating.get(spec.id) === creating && this.#creating.delete(spec.id))
    creating.then(over, over)
    try {
      return await untilAborted(creating, signal)
    } catch (error) {
      if (error instanceof OpenStackError && error.status < 500) {
        // Perhaps by an id that was found some minutes ago.
        if (error.status === 400 || error.status === 404) names.forget()
        throw verdict(error)
      }
      if (signal.aborted || error instanceof BackendError) throw error
      // The answer was lost, perhaps: what was asked for may be there. If not, the next try looks again.
      await looks.now(signal)
      const found = best(seen.living(spec.id))
      if (!found) throw error
      return found
    }
  }

  /** Waits some seconds for a host: that there is none is no fault of the template. */
  async #placed(made: Server, signal: AbortSignal): Promise<Server> {
    const { faults, looks, remove } = this.#o
    let server = made
    try {
      for (let i = 0; i < mostLooks && isUnplaced(server); i++) {
        const { servers } = await looks.soon(signal)
        server = servers.find(({ ref }) => ref === made.ref) ?? server
      }
      server = await faults.explain(server, signal)
    } catch (error) {
      if (signal.aborted) throw error
    }
    if (server.status !== 'ERROR' || !noRoom.test(server.fault)) return server
    await remove(server, signal).catch(() => {})
    throw new BackendError('CAPACITY', server.fault)
  }
}

/** Of several bearers of an id the same one for every master: one that works rather than one that does not, the oldest of those. */
export function best(bearers: readonly Server[]): Server | undefined {
  const rank = ({ created, ref, status }: Server) => `${status === 'ERROR' ? 1 : 0} ${created} ${ref}`
  return bearers.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))[0]
}

/** About a second each. */
const mostLooks = 15
