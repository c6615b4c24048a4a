import { Compile } from 'typebox/schema'
import type { StoredOperation, StoredShell } from '../db/stored-operation.ts'
import { seconds } from '../model/durations.ts'
import { maxControlBytes } from '../protocol/control.ts'
import { isSecret, type Secret } from '../model/secret.ts'
import { Operation, type TransferOperation } from '../protocol/operation.ts'
import type { CommandRequest } from '../steps/step.ts'

type Env = Readonly<Record<string, string | Secret | null | undefined>>

/**
 * The operation that a step asks for as it is stored, with the shell's defaults, and the environments `below` its own, weakest
 * first.
 * Throws a TypeError that names what no agent would take: options may be computed, and only the build that computed them
 * wrong shall feel it.
 */
export function operationOf(
  request: CommandRequest | TransferOperation,
  below: readonly Env[],
): StoredOperation {
  const operation = request.op === 'shell' ? shellOperation(request, below) : request
  const validator = validators.get(operation.op)
  if (!validator) throw new TypeError(`there is no operation "${String(operation.op)}"`)
  const [isRight, mistakes] = validator.Errors(operation)
  if (!isRight) throw new TypeError(`${operation.op}: ${inWords(mistakes, operation)}`)
  const bytes = Buffer.byteLength(JSON.stringify(operation))
  if (bytes > maxOperationBytes)
    throw new TypeError(`${operation.op}: it takes ${bytes} bytes, the limit is ${maxOperationBytes}`)
  return operation
}

function shellOperation(request: CommandRequest & { op: 'shell' }, below: readonly Env[]): StoredShell {
  const { command, env = {}, grace, logFiles, maxLogSize, maxTime, stdin, timeout, workdir } = request
  // What is undefined leaves the environment below as it is.
  const named = [...below, env].flatMap((layer) => Object.entries(layer).filter(([, v]) => v !== undefined))
  const all = Object.entries(Object.fromEntries(named) as Record<string, string | Secret | null>)
  const plain = all.filter((entry): entry is [string, string | null] => !isSecret(entry[1]))
  const secret = all.flatMap(([name, value]) => (isSecret(value) ? [[name, value.name] as const] : []))
  if (secret.length > maxSecrets) throw new TypeError(`shell: more than ${maxSecrets} secrets`)
  return {
    op: 'shell',
    command: command as string | string[],
    workdir: workdir ?? '.',
    env: Object.fromEntries(plain),
    timeout: seconds(timeout ?? defaultSilence),
    maxTime: seconds(maxTime ?? 0),
    grace: seconds(grace ?? defaultGrace),
    ...(secret.length === 0 ? {} : { secretEnv: Object.fromEntries(secret) }),
    ...(stdin === undefined ? {} : isSecret(stdin) ? { secretStdin: stdin.name } : { stdin }),
    // The config's default is not stored: a changed one does not make it another step.
    ...(maxLogSize === undefined ? {} : { maxLogSize }),
    // A list, because jsonb does not keep the order of keys.
    ...(logFiles === undefined
      ? {}
      : { logFiles: Object.entries(logFiles).map(([name, path]) => ({ name, path })) }),
  }
}

interface Mistake {
  readonly instancePath: string
  readonly keyword: string
  readonly message: string
}

/** 'env.PORT must be string or must be null, got a number'. Never the value itself: it may be a secret. */
function inWords(mistakes: readonly Mistake[], operation: object): string {
  const depth = ({ instancePath }: Mistake) => instancePath.split('/').length
  const deepest = mistakes.reduce((a, b) => (depth(b) > depth(a) ? b : a)).instancePath
  const messages = mistakes
    .filter(({ instancePath, keyword }) => instancePath === deepest && keyword !== 'anyOf')
    .map(({ message }) => message)
  const path = deepest.split('/').slice(1).map(unescaped)
  if (path.length === 0) return messages.join(' and ')
  const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], operation)
  return `${path.join('.')} ${messages.join(' or ')}, got ${kindOf(value)}`
}

// The notation of a JSON pointer.
function unescaped(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (value instanceof Promise) return 'a promise (it needs an await)'
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const validators = new Map<string, ReturnType<typeof Compile>>(
  Operation.anyOf.map((schema) => [schema.properties.op.const, Compile(schema)]),
)

/** A control message must have room for it. */
export const maxOperationBytes = maxControlBytes - 4096
/** With one more for its input. */
const maxSecrets = 99
/** Seconds of silence before a command is killed: Buildbot's 20 minutes. */
const defaultSilence = 1200
/** Seconds between SIGTERM and SIGKILL. */
const defaultGrace = 5
