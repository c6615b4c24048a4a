import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { localWorker } from '../../src/config/local-worker.ts'
import { once } from '../../src/config/once.ts'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import { staticWorker } from '../../src/config/static-worker.ts'
import { secret } from '../../src/model/secret.ts'
import { git } from '../../src/steps/git.ts'
import { httpRequest } from '../../src/steps/http-request.ts'
import { masterShell } from '../../src/steps/master-shell.ts'
import { shell } from '../../src/steps/shell.ts'
import { step } from '../../src/steps/step.ts'
import { right } from '../helpers/config-errors.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const loaded = (config: object, dir = '/srv/ci') => ({ config, dir, files: [join(dir, 'master.config.ts')] })

test('what the config leaves out gets its default', () => {
  const settings = resolveConfig(loaded(right), { BOT: 'hunter2' })
  const { workers, builders, secrets, secretValue, ...rest } = settings
  expect(rest).toEqual({
    title: 'Rouse',
    url: undefined,
    listen: { host: '127.0.0.1', port: 8010 },
    agents: { listen: [], url: undefined },
    database: { kind: 'embedded' },
    dataDir: '/srv/ci/rouse-data',
    auth: undefined,
    images: [],
    schedulers: [],
    reporters: [],
    sweepSeconds: 10,
    orphanGraceSeconds: 60,
    heartbeatSeconds: 30,
    maxDisconnectedSeconds: 3600,
    maxInfraRetries: 3,
    maxArtifactSize: 1_073_741_824,
    maxLogSize: 209_715_200,
    configFile: '/srv/ci/master.config.ts',
    files: ['/srv/ci/master.config.ts'],
  })
  const common = { maxBuilds: 1, properties: {}, defaultProperties: {}, env: {} }
  const [local, bot] = workers
  expect(local).toEqual({
    kind: 'local',
    name: 'dock',
    locks: [],
    ...common,
    baseDir: '/srv/ci/rouse-data/workers/dock',
  })
  expect(bot).toMatchObject({
    kind: 'static',
    name: 'bot',
    ...common,
    keepaliveSeconds: 3600,
    notifyOnMissing: [],
    missingTimeoutSeconds: 3600,
  })
  expect(bot?.kind === 'static' && bot.password.value).toBe('hunter2')
  expect(builders).toEqual(right.builders)
  expect(secrets.map(({ value }) => value)).toEqual(['hunter2'])
  expect(secretValue('BOT')).toBe('hunter2')
  expect(() => secretValue('OTHER')).toThrow('secret OTHER is missing; looked in environment variable OTHER')
  expect(Object.isFrozen(settings) && Object.isFrozen(workers[0])).toBe(true)
})

test('durations become seconds, paths absolute, one address a list, and 0 means never missing', () => {
  const password = 'p'
  const config = {
    ...right,
    title: 'Acme',
    url: 'https://ci.acme.example/ci',
    dataDir: '../data',
    heartbeatInterval: '1m',
    maxDisconnected: '2h',
    maxInfraRetries: 0,
    agents: { listen: [{ host: '172.17.0.1', port: 8011 }], url: 'ws://172.17.0.1:8011' },
    workers: [
      staticWorker('bot', { password, keepaliveInterval: '10m', missingTimeout: 0, notifyOnMissing: 'a@b' }),
      staticWorker('cat', {
        password,
        keepaliveInterval: null,
        missingTimeout: null,
        notifyOnMissing: ['a@b', 'c@d'],
      }),
      localWorker('dock', { baseDir: 'builds', maxBuilds: 4, properties: { a: 1 }, env: { B: '2' } }),
      localWorker('far', { baseDir: '/var/builds' }),
      localWorker('near'),
    ],
    schedulers: [once({ name: 'first', builders: ['unit'] })],
  }
  const settings = resolveConfig(loaded(config), {})
  expect(settings).toMatchObject({
    title: 'Acme',
    url: 'https://ci.acme.example/ci/',
    dataDir: '/srv/data',
    heartbeatSeconds: 60,
    maxDisconnectedSeconds: 7200,
    maxInfraRetries: 0,
    agents: config.agents,
    schedulers: config.schedulers,
  })
  expect(settings.workers).toMatchObject([
    { keepaliveSeconds: 600, missingTimeoutSeconds: null, notifyOnMissing: ['a@b'] },
    { keepaliveSeconds: null, missingTimeoutSeconds: null, notifyOnMissing: ['a@b', 'c@d'] },
    { baseDir: '/srv/ci/builds', maxBuilds: 4, properties: { a: 1 }, env: { B: '2' } },
    { baseDir: '/var/builds' },
    { baseDir: '/srv/data/workers/near' },
  ])
})

test('secrets come from every place, and the settings show none of them when they are printed', async () => {
  const dir = await tempDir()
  await writeFile(join(dir, 'named'), 'named-hunter2\n')
  await writeFile(join(dir, 'IN_FOLDER'), 'folder-hunter2\n')
  const config = {
    ...right,
    secretsDir: '.',
    database: secret('DATABASE_URL'),
    workers: [
      staticWorker('bot', { password: secret('NAMED') }),
      staticWorker('dock', { password: secret('IN_FOLDER') }),
      staticWorker('plain', { password: 'plain-hunter2' }),
    ],
  }
  const url = 'postgres://rouse:db-hunter2%21@db/rouse'
  const settings = resolveConfig(loaded(config, dir), { DATABASE_URL: url, NAMED_FILE: join(dir, 'named') })

  expect(settings.database.kind === 'url' && settings.database.url.value).toBe(url)
  expect(settings.secrets.map(({ value }) => value).sort()).toEqual([
    'db-hunter2!',
    'db-hunter2%21',
    'folder-hunter2',
    'named-hunter2',
    'plain-hunter2',
    url,
  ])
  for (const printed of [inspect(settings, { depth: 9, showHidden: true }), JSON.stringify(settings)]) {
    expect(printed).toContain('secret')
    expect(printed).not.toContain('hunter2')
  }
})

test('all missing secrets are named at once', () => {
  const database = secret('DATABASE_URL')
  const looked = (name: string) =>
    `secret ${name} is missing; looked in environment variable ${name} (not set), ${name}_FILE (not set), /nowhere/${name} (no such file)`
  const code = 'ROUSE_SECRET_MISSING'

  const one = loaded({ ...right, secretsDir: '/nowhere' })
  const message = `workers[1].password: ${looked('BOT')}`
  expect(() => resolveConfig(one, {})).toThrow(expect.objectContaining({ code, message }))

  const two = loaded({ ...right, secretsDir: '/nowhere', database })
  const messages = `2 secrets are missing:\n  ${message}\n  database: ${looked('DATABASE_URL')}`
  expect(() => resolveConfig(two, {})).toThrow(expect.objectContaining({ code, message: messages }))
})

test('a config with mistakes is refused with all of them', () => {
  const config = { ...right, title: 7, auth: 'no' }
  expect(() => resolveConfig(loaded(config), { BOT: 'x' })).toThrow(
    expect.objectContaining({
      code: 'ROUSE_CONFIG_INVALID',
      message:
        'master.config.ts has 2 mistakes:\n' +
        '  title must be a string that is not empty, got 7\n' +
        `  auth must be 'none', got "no"`,
    }),
  )
})

test('a secret that should hold the database but does not is refused without its value', () => {
  const config = { ...right, database: secret('DATABASE_URL') }
  const attempt = () => resolveConfig(loaded(config), { BOT: 'x', DATABASE_URL: 'mysql://u:hunter2@h/x' })
  expect(attempt).toThrow('database: the secret does not hold a URL such as postgres://user@host/name')
  expect(attempt).not.toThrow('hunter2')
})

test('the secrets of workers, builders and steps are found at once, and stay as they were', () => {
  const steps = [
    shell('make', { env: { A: secret('A') }, stdin: secret('B') }),
    httpRequest('http://localhost/', { headers: { authorization: secret('C') }, body: secret('D') }),
    masterShell('true', { env: { E: secret('E') } }),
    step('own', async () => {}, { secrets: [secret('F')] }),
    git({ repo: 'https://git.example/a.git', credentials: { password: secret('G') } }),
    git({ repo: 'git@git.example:a.git', sshKey: secret('H') }),
  ]
  const workers = [{ ...right.workers[0], env: { I: secret('I') } }, right.workers[1]]
  const builders = [{ ...right.builders[0], steps, env: { J: secret('J'), K: () => secret('K') } }]
  const config = { ...right, workers, builders }
  const names = 'ABCDEFGHIJ'.split('')
  const env: Record<string, string> = { BOT: 'p', ...Object.fromEntries(names.map((name) => [name, name])) }
  const { secretValue } = resolveConfig(loaded(config), env)
  for (const name of names) env[name] = 'rotated'
  env.K = 'by a function'
  expect([...names, 'K'].map(secretValue)).toEqual([...names, 'by a function'])
  expect(() => resolveConfig(loaded(config), { BOT: 'p' })).toThrow('10 secrets are missing:\n')
})
