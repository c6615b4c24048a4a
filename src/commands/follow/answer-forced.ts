import { RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import type { ApiForceAnswer } from '../../web/api.ts'
import type { MasterClient } from '../client/master-client.ts'
import { printJson } from '../output/print.ts'
import { terminalOf } from '../output/terminal.ts'
import { exitCodeOf } from './exit-code.ts'
import { followRequest } from './follow-request.ts'
import { Interrupted, untilInterrupted } from './interrupt.ts'
import { Patience } from './patience.ts'
import { openView } from './open-view.ts'

export interface ForcedOptions {
  readonly json?: boolean
  readonly follow?: boolean
}

/** Says which request was queued and, with `follow`, follows it to its end and sets the exit code by its result. */
export async function answerForced(
  client: MasterClient,
  answer: ApiForceAnswer,
  { json = false, follow = false }: ForcedOptions,
): Promise<void> {
  if (json && !follow) return await printJson(answer)
  if (!json)
    await terminalOf(process.stdout).write(answer.requestIds.map((id) => `request r${id}\n`).join(''))
  if (!follow) return

  const id = answer.requestIds[0]
  if (id === undefined) throw new RouseError('ROUSE_INTERNAL', 'the master queued no request')
  const clock = systemClock
  const view = openView({ json, headers: true, announce: true })
  try {
    const outcome = await untilInterrupted((signal) => {
      const patience = new Patience({ signal, clock, limit: Infinity, view })
      return followRequest(id, { client, patience, view, signal, clock })
    })
    await view.ended(outcome)
    process.exitCode = exitCodeOf(outcome)
  } catch (error) {
    if (error instanceof Interrupted) await view.interrupted(id)
    throw error
  }
}
