import type { Action } from './fake-ec2.ts'
import { Ec2Refusal } from './fake-fault.ts'
import type { FakeMachine } from './fake-machine.ts'
import { changed, checkRoom, machinesIn } from './instance-actions.ts'
import { text } from './query.ts'

/** Machines that are stopped and started again. */
export const powerActions: Readonly<Record<string, Action>> = {
  StopInstances(cloud, query) {
    const now = cloud.clock.now()
    const machines = machinesIn(cloud, query)
    for (const machine of machines) {
      expectState(machine, now, ['running', 'stopping', 'stopped'])
      if (machine.o.spot)
        throw new Ec2Refusal(
          'UnsupportedOperation',
          `You can't stop the Spot Instance '${machine.ref}' because it is associated with a one-time Spot Instance request.`,
        )
    }
    return changed(cloud, machines, (machine) => {
      if (machine.stateAt(now) === 'running')
        machine.stop(now, 'Client.UserInitiatedShutdown', 'User initiated shutdown')
    })
  },

  StartInstances(cloud, query) {
    const now = cloud.clock.now()
    const machines = machinesIn(cloud, query)
    for (const machine of machines) {
      expectState(machine, now, ['stopped', 'pending', 'running'])
      checkRoom(cloud, machine.o.type, machine.o.subnet)
    }
    return changed(cloud, machines, (machine) => {
      if (machine.stateAt(now) !== 'stopped') return
      machine.start(now, now + (cloud.o.bootMs ?? 0))
      cloud.power(machine)
    })
  },

  ModifyInstanceAttribute(cloud, query) {
    const ref = text(query, 'InstanceId') ?? ''
    const [machine] = machinesIn(cloud, { InstanceId: { 1: ref } })
    expectState(machine!, cloud.clock.now(), ['stopped'])
    machine!.userData = Buffer.from(text(query, 'UserData', 'Value') ?? '', 'base64').toString()
    return { return: true }
  },
}

function expectState(machine: FakeMachine, now: number, good: readonly string[]): void {
  const state = machine.stateAt(now)
  if (!good.includes(state))
    throw new Ec2Refusal(
      'IncorrectInstanceState',
      `The instance '${machine.ref}' is in the state '${state}'.`,
    )
}
