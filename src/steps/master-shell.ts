import type { Duration } from '../model/durations.ts'
import { render, type Renderable } from '../model/properties.ts'
import type { Secret } from '../model/secret.ts'
import { durationMistakes, flagsOf, unknownOptions } from './options.ts'
import { shell, shellOutcome, type ShellCommand } from './shell.ts'
import type { MasterShellRequest, Step, StepFlags } from './step.ts'

export interface MasterShellOptions extends StepFlags {
  /** Default: the command's first three words. */
  readonly name?: string
  /** Added to the environment. */
  readonly env?: Renderable<Readonly<Record<string, Renderable<string | Secret>>>>
  /** Time after which the command is killed. Default 20 minutes, 0 is never. */
  readonly maxTime?: Duration
  /**
   * It may run twice. Else a command of which a master that was killed cannot say how it ended ends the step EXCEPTION.
   * Default false.
   */
  readonly idempotent?: boolean
}

/** Runs a command on the master's machine, in the folder of master.config.ts. A string runs through /bin/sh. */
export function masterShell(command: ShellCommand, options: MasterShellOptions = {}): Step {
  const { env, idempotent, maxTime, name } = options
  const plain = shell(command, {
    ...(name === undefined ? {} : { name }),
    ...(env === undefined ? {} : { env }),
  })
  return Object.freeze<Step>({
    ...plain,
    type: 'masterShell',
    ...flagsOf(options),
    mistakes: [
      ...(plain.mistakes ?? []),
      ...durationMistakes({ maxTime }),
      ...(['undefined', 'boolean'].includes(typeof idempotent) ? [] : ['idempotent: must be true or false']),
      ...unknownOptions(options, ['name', 'env', 'maxTime', 'idempotent']),
    ],
    run: async (context) => {
      const rendered = render<unknown>({ command, env, maxTime, idempotent }, context.properties)
      const given = Object.entries(rendered as object).filter(([, value]) => value !== undefined)
      return shellOutcome(
        await context.masterShell(Object.fromEntries(given) as unknown as MasterShellRequest),
      )
    },
  })
}
