import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { missingSecrets } from '../../src/config/missing-secrets.ts'
import { resolveSecret } from '../../src/config/resolve-secret.ts'
import { secret } from '../../src/model/secret.ts'
import { SecretValue } from '../../src/config/secret-value.ts'
import { RouseError } from '../../src/model/errors.ts'
import { tempDir } from '../helpers/temp-dir.ts'

let secretsDir: string

beforeEach(async () => {
  secretsDir = await tempDir()
})

describe('a secret is looked for', () => {
  test('in the environment first', async () => {
    await writeFile(join(secretsDir, 'DB'), 'from the folder')
    await writeFile(join(secretsDir, 'named'), 'from the named file')
    const env = { DB: 'from the environment', DB_FILE: join(secretsDir, 'named') }
    expect(resolveSecret('DB', { env, secretsDir }).value).toBe('from the environment')
  })

  test('then in the file that NAME_FILE names', async () => {
    await writeFile(join(secretsDir, 'DB'), 'from the folder')
    await writeFile(join(secretsDir, 'named'), 'from the named file\n')
    const env = { DB: '', DB_FILE: join(secretsDir, 'named') }
    expect(resolveSecret('DB', { env, secretsDir }).value).toBe('from the named file')
  })

  test('then in the secrets folder, also behind the links that Kubernetes makes', async () => {
    await mkdir(join(secretsDir, '..data'))
    await writeFile(join(secretsDir, '..data/DB'), 'from the folder\r\n')
    await symlink('..data/DB', join(secretsDir, 'DB'))
    expect(resolveSecret('DB', { env: {}, secretsDir }).value).toBe('from the folder')
  })
})

test.each([
  ['value\n', 'value'],
  ['value\r\n', 'value'],
  ['value\n\n', 'value\n'],
  [' two words ', ' two words '],
  ['line 1\nline 2\n', 'line 1\nline 2'],
])('a file that holds %j gives %j: only the last newline is dropped', async (content, expected) => {
  await writeFile(join(secretsDir, 'S'), content)
  expect(resolveSecret('S', { env: {}, secretsDir }).value).toBe(expected)
})

describe('a missing secret is reported with its name and where it was looked for', () => {
  test('when it is nowhere', () => {
    const attempt = () => resolveSecret('DB', { env: {}, secretsDir })
    expect(attempt).toThrow(RouseError)
    expect(attempt).toThrow(
      `secret DB is missing; looked in environment variable DB (not set), DB_FILE (not set), ${secretsDir}/DB (no such file)`,
    )
  })

  test('when the named file is not there, even if the folder has another value', async () => {
    await writeFile(join(secretsDir, 'DB'), 'another value')
    const env = { DB: '', DB_FILE: '/nowhere/db' }
    expect(() => resolveSecret('DB', { env, secretsDir })).toThrow(
      'secret DB is missing; looked in environment variable DB (empty), /nowhere/db named by DB_FILE (no such file)',
    )
  })

  test.each([
    ['is empty', async (file: string) => writeFile(file, '\n'), 'empty'],
    ['is a folder', async (file: string) => mkdir(file), 'not a file'],
    ['is huge', async (file: string) => writeFile(file, 'x'.repeat(65_537)), 'larger than 64 KiB'],
  ])('when its file %s', async (_what, make, reason) => {
    await make(join(secretsDir, 'DB'))
    expect(() => resolveSecret('DB', { env: {}, secretsDir })).toThrow(`${secretsDir}/DB (${reason})`)
  })
})

test.each(['../etc/passwd', 'a/b', '..', '.', '', 'a b', 'a\0b', 'ä', 'x'.repeat(101)])(
  'the name %j reaches no file',
  async (name) => {
    await writeFile(join(secretsDir, 'a b'), 'value')
    expect(() => resolveSecret(name, { env: { [name]: 'value' }, secretsDir })).toThrow('wrong name')
  },
)

describe('nothing shows the value of a secret by accident', () => {
  const value = 'hunter2-é-"quoted"'
  const held = new SecretValue(value)
  const reference = secret('BOT')

  test.each([
    ['inspection', (x: object) => inspect({ x }, { showHidden: true, depth: 9, getters: true })],
    ['inspection without our own', (x: object) => inspect(x, { customInspect: false, showHidden: true })],
    ['JSON', (x: object) => JSON.stringify({ x })],
    ['a template string', (x: object) => `${x as unknown as string}`],
    ['concatenation', (x: object) => 'a' + (x as unknown as string)],
    ['its keys', (x: object) => JSON.stringify([Object.keys(x), Object.entries(x), { ...x }])],
    ['a structured clone', (x: object) => inspect(structuredClone({ ...x }))],
    ['an error', (x: object) => inspect(new Error('failed', { cause: x }))],
  ])('in %s', (_where, print) => {
    expect(print(held)).not.toContain('hunter2')
    expect(print(reference)).not.toContain('hunter2')
  })

  test('but code that asks for it gets it', () => {
    expect(held.value).toBe(value)
  })

  test('and a secret that is only named says so', () => {
    expect([`${reference as unknown as string}`, inspect(reference), JSON.stringify(reference)]).toEqual([
      '[secret BOT]',
      '[secret BOT]',
      '"[secret BOT]"',
    ])
  })

  test('and a missing secret does not show the values of others', async () => {
    await writeFile(join(secretsDir, 'B'), 'hunter2')
    const env = { A: 'hunter2', C_FILE: '/nowhere' }
    const config = {
      workers: [{ password: secret('A') }, { password: secret('B') }, { password: secret('C') }],
    }
    const problems = missingSecrets(config, { env, secretsDir })
    expect(problems).toEqual([
      {
        path: 'workers[2].password',
        severity: 'warning',
        message:
          'workers[2].password: secret C is missing; looked in environment variable C (not set), /nowhere named by C_FILE (no such file)',
      },
    ])
  })
})
