import type { InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { backoff } from '../../src/util/backoff.ts'
import type { Clock } from '../../src/util/clock.ts'
import type { Ec2Api } from './ec2-api.ts'
import { Ec2Error, hasCode, verdict } from './ec2-error.ts'
import type { Ec2Template } from './ec2-options.ts'
import { bearing, findMachines } from './find-machines.ts'
import { isEnding, type Machine } from './machine.ts'
import { userDataOf } from './run-request.ts'

interface ParkingOptions {
  readonly api: Ec2Api
  readonly clock: Clock
  readonly cluster: string
}

/** Stops machines and starts them again. Each call can be made again after a kill anywhere in it. */
export class Parking {
  readonly #o: ParkingOptions

  constructor(options: ParkingOptions) {
    this.#o = options
  }

  /** Resolves when EC2 has agreed to stop it. */
  async park(id: InstanceId, signal: AbortSignal): Promise<void> {
    await this.#untilDone(id, signal, (machine) => this.#stop(machine, signal))
  }

  /** Gives it the user data of this generation and has it started. EC2 takes that of a stopped machine only. */
  async wake(spec: InstanceSpec<Ec2Template>, signal: AbortSignal): Promise<void> {
    if (spec.template.idle !== 'stop') throw new BackendError('REJECTED', 'EC2 makes no machine pristine')
    const UserData = { Value: Buffer.from(userDataOf(spec)) }
    let given = false
    await this.#untilDone(spec.id, signal, async (machine) => {
      // It was stopped when it got the data: what came after that has read them.
      if (given && (machine.state === 'pending' || machine.state === 'running')) return true
      // A master that was killed has woken it, with the token of an earlier generation.
      if (machine.state === 'running') await this.#stop(machine, signal)
      if (machine.state !== 'stopped') return false
      const { ref: InstanceId } = machine
      await this.#call('ModifyInstanceAttribute', signal, (ec2, o) =>
        ec2.modifyInstanceAttribute({ InstanceId, UserData }, o),
      )
      given = true
      await this.#call('StartInstances', signal, (ec2, o) =>
        ec2.startInstances({ InstanceIds: [InstanceId] }, o),
      )
      return true
    })
  }

  async #stop({ ref }: Machine, signal: AbortSignal): Promise<boolean> {
    await this.#call('StopInstances', signal, (ec2, o) => ec2.stopInstances({ InstanceIds: [ref] }, o))
    return true
  }

  /** Looks at the machine and does something, again and again while it is on its way from one state to another. */
  async #untilDone(
    id: InstanceId,
    signal: AbortSignal,
    attempt: (machine: Machine) => Promise<boolean>,
  ): Promise<void> {
    let lost = 0
    for (let turn = 0; ; turn++) {
      const machine = await this.#find(id, signal)
      try {
        if (await attempt(machine)) return
      } catch (error) {
        // What was listed is a moment old.
        const isLate = hasCode(error, /^IncorrectInstanceState$/)
        if (signal.aborted || (!isLate && (isAnswer(error) || ++lost > mostLost))) throw verdict(error)
      }
      await this.#o.clock.sleep(backoff(turn, pause), signal)
    }
  }

  async #find(id: InstanceId, signal: AbortSignal): Promise<Machine> {
    const { api, cluster } = this.#o
    const found = await findMachines(api, { signal, urgency: 'stop', where: bearing(id, cluster) })
    const [machine, ...others] = found.filter((one) => !isEnding(one))
    if (!machine) throw new Error(`there is no machine of ${id} any more`)
    if (others.length > 0) throw new Error(`there are ${found.length} machines of ${id}`)
    return machine
  }

  #call<T>(action: string, signal: AbortSignal, send: Send<T>): Promise<T> {
    return this.#o.api.call(action, { signal, urgency: 'start' }, send)
  }
}

type Send<T> = (...args: Parameters<Parameters<Ec2Api['call']>[2]>) => Promise<T>

function isAnswer(error: unknown): boolean {
  if (error instanceof BackendError) return true
  return error instanceof Ec2Error && !hasCode(error, /^(Internal(Error|Failure)|(Service)?Unavailable)$/)
}

/** Answers that may be lost on the way. */
const mostLost = 3
/** Milliseconds. */
const pause = { initial: 1000, max: 10_000 }
