import type { Duration } from '../model/durations.ts'
import { render, type PropertyReader, type Renderable } from '../model/properties.ts'
import { isResult, results, worse, type Result } from '../model/results.ts'
import { isSecret, type Secret } from '../model/secret.ts'
import type { CommandResult } from '../protocol/operation.ts'
import {
  confidentialMistakes,
  durationMistakes,
  flagsOf,
  logSizeMistakes,
  patternMistakes,
  textMistakes,
  unknownOptions,
} from './options.ts'
import { logFilesMistakes, type LogFiles } from './log-files.ts'
import { secretsOf } from './secrets-of.ts'
import type { CommandRequest, Step, StepContext, StepFlags, StepOutcome } from './step.ts'

export type ShellCommand = Renderable<string> | readonly Renderable<string>[]

export interface ShellOptions extends StepFlags {
  /** Default: the command's first three words. */
  readonly name?: string
  /** Relative to the build's workspace. Default '.'. */
  readonly workdir?: Renderable<string>
  /** Added to the environment; null removes a name, undefined leaves it as it is. */
  readonly env?: Renderable<Readonly<Record<string, Renderable<string | Secret | null>>>>
  /** Silence after which the command is killed. Default 20 minutes, 0 is never. */
  readonly timeout?: Duration
  /** Time after which the command is killed. Default 0, never. */
  readonly maxTime?: Duration
  /** Time between SIGTERM and SIGKILL. Default 5 s. */
  readonly grace?: Duration
  readonly stdin?: Renderable<string | Secret>
  /** Bytes of its log, at least 1024: of a longer one the middle is left out. Default: the config's `maxLogSize`, 200 MiB. */
  readonly maxLogSize?: number
  /**
   * Files that the command writes, followed while it runs: each becomes a log of the step under the name given here. Paths
   * are relative to `workdir` and stay within the workspace. A file of an earlier build is shown only when it changes.
   */
  readonly logFiles?: LogFiles
  /** Results of exit codes. Where it says nothing, 0 is SUCCESS and every other code FAILURE. */
  readonly decodeRC?: Readonly<Record<number, Result>>
  /**
   * Lines of the output that match are warnings: they make a success WARNINGS, and the property `warnings-count` holds how
   * many there are. The first 4096 bytes of a line are looked at. One that takes more than 10 s for a part of the log
   * ends the step with EXCEPTION.
   */
  readonly warningPattern?: RegExp | string
}

/**
 * Runs a command on the worker. A string runs through /bin/sh; an array runs as it is and is the safe form for values
 * that come from people: `shell(['make', (p) => String(p.get('target', 'all'))])`.
 */
export function shell(command: ShellCommand, options: ShellOptions = {}): Step {
  const {
    decodeRC,
    env,
    grace,
    logFiles,
    maxLogSize,
    maxTime,
    name,
    stdin,
    timeout,
    warningPattern,
    workdir,
  } = options
  return Object.freeze<Step>({
    kind: 'step',
    type: 'shell',
    name: name ?? nameOf(command),
    ...flagsOf(options),
    secrets: secretsOf({ env, stdin }),
    mistakes: [
      ...commandMistakes(command),
      ...unknownOptions(options, optionNames),
      ...durationMistakes({ timeout, maxTime, grace }),
      ...textMistakes({ workdir }),
      ...confidentialMistakes({ stdin }),
      ...logSizeMistakes({ maxLogSize }),
      ...logFilesMistakes(logFiles),
      ...envMistakes(env),
      ...decodeMistakes(decodeRC),
      ...patternMistakes({ warningPattern }),
    ],
    run: async (context) => {
      const ended = await context.command(shellRequest(command, options, context.properties))
      const outcome = shellOutcome(ended, decodeRC)
      return warningPattern === undefined ? outcome : withWarnings(outcome, warningPattern, context)
    },
  })
}

/** What the worker is asked for, with all that depends on properties filled in. */
export function shellRequest(
  command: ShellCommand,
  { env, grace, logFiles, maxLogSize, maxTime, stdin, timeout, workdir }: ShellOptions,
  properties: PropertyReader,
): CommandRequest & { op: 'shell' } {
  const rendered = render<unknown>(
    { command, workdir, env, stdin, timeout, maxTime, grace, maxLogSize, logFiles },
    properties,
  )
  return { op: 'shell', ...withoutUndefined(rendered as ShellRequest) }
}

/** What a shell command's end means, and a few words for people. */
export function shellOutcome(
  { exitCode, message, reason, signal }: CommandResult,
  decodeRC: Readonly<Record<number, Result>> = {},
): StepOutcome {
  if (reason === 'cancelled') return { result: 'CANCELLED', summary: message ?? 'cancelled' }
  if (reason === 'timeout') return { result: 'FAILURE', summary: message ?? 'killed after a silence' }
  if (reason === 'maxTime') return { result: 'FAILURE', summary: message ?? 'killed after its maximum time' }
  if (reason !== null) return { result: 'FAILURE', summary: message ?? reason }
  if (signal !== null) return { result: 'FAILURE', summary: `killed by ${signal}` }
  const result = decodeRC[exitCode ?? -1] ?? (exitCode === 0 ? 'SUCCESS' : 'FAILURE')
  return result === 'SUCCESS' ? { result } : { result, summary: `exit code ${exitCode}` }
}

async function withWarnings(
  outcome: StepOutcome,
  pattern: RegExp | string,
  context: StepContext,
): Promise<StepOutcome> {
  const count = await context.countLines(pattern)
  await context.setProperty('warnings-count', count)
  if (count === 0) return outcome
  const warnings = count === 1 ? '1 warning' : `${count} warnings`
  return {
    result: worse(outcome.result, 'WARNINGS'),
    summary: outcome.summary === undefined ? warnings : `${outcome.summary}, ${warnings}`,
  }
}

type ShellRequest = Omit<CommandRequest & { op: 'shell' }, 'op'>

const optionNames = [
  'name',
  'workdir',
  'env',
  'timeout',
  'maxTime',
  'grace',
  'stdin',
  'maxLogSize',
  'logFiles',
  'decodeRC',
  'warningPattern',
]

function nameOf(command: ShellCommand): string {
  const words = (Array.isArray(command) ? command : [command]).flatMap((word) =>
    typeof word === 'string' ? word.trim().split(/\s+/) : ['...'],
  )
  const name = words.slice(0, 3).join(' ').slice(0, 50)
  if (/^(\.\.\.| )*$/.test(name)) return 'shell'
  return name.length < words.join(' ').length && !name.endsWith('...') ? `${name} ...` : name
}

function commandMistakes(command: unknown): string[] {
  if (typeof command === 'function') return []
  if (typeof command === 'string')
    return command.trim() === '' ? ['the command is empty'] : textMistakes({ 'the command': command })
  if (!Array.isArray(command)) return [`the command must be a string or an array, got ${typeof command}`]
  if (command.length === 0) return ['the command is an empty array']
  const bad = command.findIndex((word) => typeof word !== 'string' && typeof word !== 'function')
  return bad < 0 ? [] : [`word ${bad} of the command must be a string, got ${typeof command[bad]}`]
}

function envMistakes(env: ShellOptions['env']): string[] {
  if (env === undefined || typeof env === 'function') return []
  if (typeof env !== 'object' || env === null || isSecret(env))
    return [`env: must be an object, got ${isSecret(env) ? 'a secret' : typeof env}`]
  const computed = Object.entries(env).filter(([, value]) => value !== null)
  return confidentialMistakes(Object.fromEntries(computed.map(([name, value]) => [`env.${name}`, value])))
}

function decodeMistakes(decodeRC: ShellOptions['decodeRC'] = {}): string[] {
  return Object.entries(decodeRC).flatMap(([code, result]) => [
    ...(/^\d{1,3}$/.test(code) ? [] : [`decodeRC: "${code}" is not an exit code`]),
    ...(isResult(result) ? [] : [`decodeRC: ${code} must give one of ${results.join(', ')}`]),
  ])
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T
}
