import { render, type PropertyValue, type Renderable } from '../model/properties.ts'
import { flagsOf, unknownOptions } from './options.ts'
import { secretsOf } from './secrets-of.ts'
import { shell, shellOutcome, shellRequest, type ShellCommand, type ShellOptions } from './shell.ts'
import type { Step, StepFlags } from './step.ts'

export interface SetPropertyOptions extends StepFlags {
  /** The step's own name. Default `set <property>`. */
  readonly name?: string
}

/** Sets a property of the build, for the steps after it. */
export function setProperty(
  property: string,
  value: Renderable<PropertyValue>,
  options: SetPropertyOptions = {},
): Step {
  return Object.freeze<Step>({
    kind: 'step',
    type: 'setProperty',
    name: options.name ?? `set ${property}`,
    ...flagsOf(options),
    mistakes: [
      ...nameMistakes(property),
      ...(secretsOf(value).length === 0
        ? []
        : ['value: a secret cannot be a property, which everybody may read']),
      ...unknownOptions(options, ['name']),
    ],
    run: async (context) => {
      await context.setProperty(property, render(value, context.properties))
    },
  })
}

/** Makes properties of what a command printed. What it returns is set in the order it names them. */
export type ExtractProperties = (stdout: string) => Readonly<Record<string, PropertyValue>>

export interface SetPropertyFromCommandOptions extends Omit<ShellOptions, 'warningPattern'> {}

/**
 * Runs a command on the worker and sets a property to what it printed on stdout, without white space at the end; or
 * several, by a function of stdout. A command that fails sets nothing. The last 256 KiB of stdout are looked at.
 */
export function setPropertyFromCommand(
  command: ShellCommand,
  property: string | ExtractProperties,
  options: SetPropertyFromCommandOptions = {},
): Step {
  const plain = shell(command, options)
  const extract: ExtractProperties =
    typeof property === 'function' ? property : (stdout) => ({ [property]: stdout.trimEnd() })
  return Object.freeze<Step>({
    ...plain,
    type: 'setPropertyFromCommand',
    mistakes: [
      ...(plain.mistakes ?? []),
      ...(typeof property === 'function' ? [] : nameMistakes(property)),
      ...('warningPattern' in options ? ['unknown option "warningPattern"'] : []),
    ],
    run: async (context) => {
      const request = shellRequest(command, options, context.properties)
      const ended = await context.command(request, { capture: maxStdout })
      const outcome = shellOutcome(ended, options.decodeRC)
      if (outcome.result !== 'SUCCESS' && outcome.result !== 'WARNINGS') return outcome
      const properties = Object.entries(extract(ended.stdout))
      for (const [name, value] of properties) await context.setProperty(name, value)
      return { ...outcome, summary: outcome.summary ?? `${properties.map(([name]) => name).join(', ')} set` }
    },
  })
}

function nameMistakes(property: unknown): string[] {
  return typeof property === 'string' && property !== '' ? [] : ['property: must be the name of a property']
}

const maxStdout = 262_144
