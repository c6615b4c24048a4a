import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RouseError } from '../model/errors.ts'
import { isSecretName } from '../model/secret.ts'
import { SecretValue } from './secret-value.ts'

export interface SecretPlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path of the folder that holds one file per secret. */
  readonly secretsDir: string
}

/**
 * The value of a secret: environment variable NAME, else the file named by NAME_FILE, else `<secretsDir>/NAME`; one
 * trailing newline of a file is dropped. Throws ROUSE_SECRET_MISSING, which says where it looked and never a value.
 */
export function resolveSecret(name: string, { env, secretsDir }: SecretPlaces): SecretValue {
  if (!isSecretName(name)) throw missing('a secret has a wrong name: it takes letters, digits, "_" and "-"')
  if (env[name]) return new SecretValue(env[name])

  const looked = [`environment variable ${name} (${env[name] === '' ? 'empty' : 'not set'})`]
  const named = env[`${name}_FILE`]
  // A file that was named but cannot be used is a mistake to report, not a reason to take another value.
  const file = named ? resolve(named) : join(secretsDir, name)
  if (!named) looked.push(`${name}_FILE (not set)`)
  const found = readSecretFile(file)
  if ('value' in found) return new SecretValue(found.value)
  looked.push(`${file}${named ? ` named by ${name}_FILE` : ''} (${found.problem})`)
  throw missing(`secret ${name} is missing; looked in ${looked.join(', ')}`)
}

function readSecretFile(file: string): { value: string } | { problem: string } {
  try {
    const stat = statSync(file)
    if (!stat.isFile()) return { problem: 'not a file' }
    if (stat.size > maxBytes) return { problem: 'larger than 64 KiB' }
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    return value === '' ? { problem: 'empty' } : { value }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'cannot be read'
    return { problem: { ENOENT: 'no such file', EACCES: 'not readable' }[code] ?? code }
  }
}

function missing(message: string): RouseError {
  return new RouseError('ROUSE_SECRET_MISSING', message)
}

const maxBytes = 65_536
