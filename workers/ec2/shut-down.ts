import type { InstanceId } from '../../src/latent/backend.ts'
import { RouseError } from '../../src/model/errors.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode, verdict } from './ec2-error.ts'
import { bearing, findMachines } from './find-machines.ts'
import { endedByItself, isEnding, type Machine } from './machine.ts'

interface ShutDownOptions {
  readonly api: Ec2Api
  readonly clock: Clock
  readonly cluster: string
  /** Milliseconds until lists surely show what a machine does by itself. */
  readonly lag: number
  readonly signal: AbortSignal
}

/**
 * Resolves to the machine of an id when it has stopped, by itself or because it was asked to. Throws ROUSE_IMAGE_NOT_SHUT_DOWN when
 * its system did not do so cleanly: nobody knows then what is on its disk.
 */
export async function shutDown(id: InstanceId, o: ShutDownOptions): Promise<Machine> {
  const { clock, lag, signal } = o
  const begun = clock.now()
  const pause = Math.min(pollMs, Math.max(lag, 50))
  let asked: number | undefined
  for (;;) {
    const machine = await onlyBearer(id, { ...o, mayBeLate: clock.now() - begun < lag })
    if (!machine) {
      await clock.sleep(pause, signal)
      continue
    }
    if (endedByItself(machine) && !/InstanceInitiatedShutdown/.test(machine.reason))
      throw new RouseError(
        notShutDown,
        `machine ${machine.ref} is off, but its system has not shut down: ${machine.reason}`,
      )
    if (machine.state === 'stopped') return machine
    const now = clock.now()
    // Its agent has just ended: it removes what belongs to that, and powers itself off.
    if (machine.state === 'running' && asked === undefined && now - begun >= lag) {
      await stop(machine, o)
      asked = now
    }
    if (now - (asked ?? begun + lag) > cleanMs)
      throw new RouseError(
        notShutDown,
        `the system of machine ${machine.ref} has not shut down within ${cleanMs / 1000} s`,
      )
    await clock.sleep(pause, signal)
  }
}

/** Undefined: the lists do not show it yet. */
async function onlyBearer(
  id: InstanceId,
  { api, cluster, mayBeLate, signal }: ShutDownOptions & { readonly mayBeLate: boolean },
): Promise<Machine | undefined> {
  const found = await findMachines(api, { signal, urgency: 'stop', where: bearing(id, cluster) })
  const living = found.filter((machine) => !isEnding(machine))
  if (living.length === 1) return living[0]!
  const [gone] = found
  if (!gone && mayBeLate) return undefined
  throw new Error(
    living.length > 1
      ? `${living.length} machines have the id ${id}`
      : `the machine is gone${gone?.reason ? `: ${gone.reason}` : ''}`,
  )
}

async function stop({ ref }: Machine, { api, signal }: ShutDownOptions): Promise<void> {
  try {
    await api.call('StopInstances', { signal, urgency: 'stop' }, (ec2, o) =>
      ec2.stopInstances({ InstanceIds: [ref] }, o),
    )
  } catch (error) {
    // It has begun to stop by itself meanwhile.
    if (!hasCode(error, /^IncorrectInstanceState$/)) throw verdict(error)
  }
}

const notShutDown = 'ROUSE_IMAGE_NOT_SHUT_DOWN'
/** Milliseconds. EC2 ends a machine that does not shut down after some minutes, and does not tell. */
const cleanMs = 240_000
const pollMs = 2000
