import { humanDuration } from '../../model/durations.ts'
import type { CommandResult, ShellOperation } from '../../protocol/operation.ts'

/** What the log says before a command's own output. Names of variables only: their values may be secrets. */
export function startHeader(operation: ShellOperation, workdir: string): string {
  const { command, env, logFiles = [], maxTime, stdin, timeout } = operation
  const limits = [
    timeout > 0 ? `timeout ${inWords(timeout)}` : 'no timeout',
    ...(maxTime > 0 ? [`maxTime ${inWords(maxTime)}`] : []),
  ]
  const set = Object.keys(env).filter((name) => env[name] !== null)
  const unset = Object.keys(env).filter((name) => env[name] === null)
  return [
    `$ ${typeof command === 'string' ? command : command.map(quoted).join(' ')}`,
    `  in ${workdir} (${limits.join(', ')})`,
    ...(set.length > 0 ? [`  with ${set.join(', ')}`] : []),
    ...(unset.length > 0 ? [`  without ${unset.join(', ')}`] : []),
    ...(logFiles.length > 0 ? [`  following ${logFiles.map(({ path }) => path).join(', ')}`] : []),
    ...(stdin === undefined ? [] : [`  with ${Buffer.byteLength(stdin)} bytes of input`]),
    '',
  ].join('\n')
}

/** What the log says last. */
export function endHeader(result: CommandResult, elapsedMs: number): string {
  const how = result.signal === null ? `with exit code ${result.exitCode}` : `by ${result.signal}`
  const why = result.reason === null ? '' : ` (${result.reason})`
  return `ended ${how}${why} after ${humanDuration(elapsedMs)}\n`
}

export function inWords(seconds: number): string {
  return humanDuration(seconds * 1000)
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
