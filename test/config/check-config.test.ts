import { expect, test } from 'vitest'
import { checkConfig } from '../../src/config/check-config.ts'
import { localWorker } from '../../src/config/local-worker.ts'
import { once } from '../../src/config/once.ts'
import { secret } from '../../src/model/secret.ts'
import { staticWorker } from '../../src/config/static-worker.ts'
import { shell } from '../../src/steps/shell.ts'
import { errorsOf, messagesOf, ofWorker, right, smoke } from '../helpers/config-errors.ts'

test('a right config has no problems, with few options and with all of them', () => {
  expect(checkConfig(right)).toEqual([])
  const password = 'hunter2'
  const everything = {
    title: 'Acme',
    url: 'https://ci.acme.example/',
    listen: { host: '0.0.0.0', port: 8010 },
    agents: {
      listen: [
        { host: '172.17.0.1', port: 8011 },
        { host: '::1', port: 0 },
      ],
      url: 'ws://172.17.0.1:8011',
    },
    database: secret('DATABASE_URL'),
    dataDir: '/var/lib/rouse',
    auth: 'none',
    workers: [
      localWorker('dock', {
        baseDir: 'builds',
        maxBuilds: 4,
        env: { A: '' },
        defaultProperties: { n: null },
      }),
      staticWorker('bot', {
        password,
        keepaliveInterval: null,
        notifyOnMissing: ['bob@acme.example', 'alice@acme.example'],
        missingTimeout: 0,
        properties: { os: 'solaris', tags: [1, true, { deep: null }] },
      }),
      staticWorker('cat', {
        password,
        keepaliveInterval: '1h',
        notifyOnMissing: 'a@b',
        missingTimeout: '5m',
      }),
    ],
    builders: [
      {
        name: 'unit',
        description: '',
        workers: ['dock', 'bot', 'cat'],
        steps: [smoke, shell('npm ci', { alwaysRun: true, doStepIf: () => true })],
        properties: { a: 1 },
        env: { HOME: '/x', TARGET: () => 'all' },
      },
    ],
    schedulers: [once({ name: 'first', builders: ['unit'], reason: 'first start' })],
    secretsDir: '/run/secrets',
    clusterKey: 'x'.repeat(32),
    heartbeatInterval: '10s',
    maxDisconnected: 0,
    maxInfraRetries: 0,
    maxLogSize: 1024,
  }
  expect(checkConfig(everything)).toEqual([])
})

const times = "24 days, such as 90, '90s', '10m' or '1h'"

test.each<[string, object]>([
  ['titel is not an option of the config; did you mean "title"?', { titel: 'x' }],
  ['title must be a string that is not empty, got 7', { title: 7 }],
  ['title must be a string that is not empty, got ""', { title: '' }],
  [`auth must be 'none', got "no"`, { auth: 'no' }],
  ['dataDir must be a path, got true', { dataDir: true }],
  ['maxLogSize must be a number of bytes, at least 1024, got 1000', { maxLogSize: 1000 }],
  ['maxInfraRetries must be an integer of 0 or more, got 1.5', { maxInfraRetries: 1.5 }],
  [`heartbeatInterval must be a duration from 0.1 s to ${times}, got "soon"`, { heartbeatInterval: 'soon' }],
  [`heartbeatInterval must be a duration from 0.1 s to ${times}, got 0`, { heartbeatInterval: 0 }],
  [`maxDisconnected must be a duration from 0 s to ${times}, got "25d"`, { maxDisconnected: '25d' }],
  [
    `workers must be an array with at least one worker such as localWorker('local-1'), got an object`,
    { workers: { dock: {} } },
  ],
  ['schedulers must be an array of schedulers, got "none"', { schedulers: 'none' }],
])('%s', (message, changes) => {
  expect(errorsOf(changes)).toEqual([message])
})

test.each([
  ['the config is missing: it must be a plain object', undefined],
  ['the config must be a plain object, got null', null],
  ['the config must be a plain object, got "config"', 'config'],
  ['the config must be a plain object, got an array', [right]],
  ['the config must be a plain object, got a function', () => right],
  ['the config must be a plain object, got a promise (it needs an await)', Promise.resolve(right)],
])('%s', (message, config) => {
  expect(checkConfig(config)).toEqual([{ path: '', message, severity: 'error' }])
})

test('what is suspicious but may be meant is a warning', () => {
  const config = {
    ...right,
    workers: [...right.workers, localWorker('spare'), localWorker('Dock')],
    builders: [{ ...right.builders[0], workers: ['dock', 'bot', 'dock', 'Dock'] }],
  }
  expect(messagesOf(config, 'error')).toEqual([])
  expect(messagesOf(config, 'warning')).toEqual([
    'workers[3].name: "Dock" and "dock" share a folder where case makes no difference',
    'builders[0].workers[2]: builder "unit" names worker "dock" twice',
    'workers[2]: no builder uses worker "spare"',
  ])
})

test('all mistakes are found at once, each with its path', () => {
  const config = {
    titel: 'x',
    workers: [localWorker('a', { maxBuilds: -1 }), staticWorker('b', {} as never)],
    builders: [{ workers: ['c'], steps: ['make'] }],
    schedulers: [{}],
  }
  const errors = checkConfig(config).filter(({ severity }) => severity === 'error')
  expect(errors.map(({ path }) => path)).toEqual([
    'workers[0].maxBuilds',
    'workers[1].password',
    'builders[0].name',
    'builders[0].steps[0]',
    'schedulers[0]',
    'titel',
    'builders[0].workers[0]',
  ])
})

test('no message shows a password, wherever it was put', () => {
  const password = 'hunter2'
  const problems = checkConfig({
    url: `https://bob:${password}@ci.example/`,
    database: `postgresq://bob:${password}@db/x`,
    agents: { url: `ws://bob:${password}@h:1` },
    workers: [
      { kind: 'static', name: 'a', password: [password], env: { TOKEN: [password] } },
      { kind: 'static', name: 'b', password: { password }, pasword: password, notifyOnMissing: { password } },
      staticWorker('c', password as never),
      { name: 'd', password },
    ],
    builders: { password },
    schedulers: [{ kind: { password } }],
  })
  expect(problems.length).toBeGreaterThan(8)
  expect(JSON.stringify(problems)).not.toContain(password)
})

test('a secret that was pasted into a text is found, for it would stay unresolved', () => {
  const pasted = (name: string) => secret(name) as unknown as string
  expect(errorsOf({ database: `postgres://rouse:${pasted('PW')}@db/rouse` })).toEqual([
    'database: a secret cannot be put into a string; make the whole text one secret',
  ])
  expect(errorsOf(ofWorker({ env: { TOKEN: `Bearer ${pasted('T')}` } }))).toEqual([
    'workers[1].env.TOKEN: a secret cannot be put into a string; make the whole text one secret',
  ])
})

test('a config that contains itself is reported, not followed for ever', () => {
  const properties: Record<string, unknown> = {}
  properties.self = properties
  expect(errorsOf(ofWorker({ properties }))).toEqual([
    'workers[1].properties.self must be a JSON value (text, number, true, false, null, array or plain object), got an object',
  ])
})

test('long values are cut and stay on one line', () => {
  const [message] = errorsOf({ auth: `first\nsecond ${'x'.repeat(10_000)}` })
  expect(message).toBe(`auth must be 'none', got "first\\nsecond ${'x'.repeat(44)}..."`)
})
