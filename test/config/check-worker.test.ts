import { describe, expect, test } from 'vitest'
import { localWorker } from '../../src/config/local-worker.ts'
import { secret } from '../../src/model/secret.ts'
import { staticWorker } from '../../src/config/static-worker.ts'
import { errorsOf, ofBuilder, ofWorker, right } from '../helpers/config-errors.ts'

const times = "24 days, such as 90, '90s', '10m' or '1h'"
const json = 'a JSON value (text, number, true, false, null, array or plain object)'

test.each<[string, object]>([
  ['workers[1].maxBuilds must be a positive integer, got "2"', { maxBuilds: '2' }],
  ['workers[1].maxBuilds must be a positive integer, got 0', { maxBuilds: 0 }],
  ['workers[1].maxBuilds must be a positive integer, got 2.5', { maxBuilds: 2.5 }],
  ['workers[1].maxBuilds must be a positive integer, got NaN', { maxBuilds: NaN }],
  ['workers[1].maxBuild is not an option of a static worker; did you mean "maxBuilds"?', { maxBuild: 2 }],
  [
    'workers[1].colour is not an option of a static worker; it has name, maxBuilds, properties, defaultProperties, env, locks, password, keepaliveInterval, notifyOnMissing, missingTimeout, notifyOnRecovery, notifyOnFlapping',
    { colour: 1 },
  ],
  ['workers[1].kind is no kind of worker: "statik"; did you mean "static"?', { kind: 'statik' }],
  [
    'workers[1].kind is no kind of worker: "constructor"; the kinds are "static", "local" and "latent"',
    { kind: 'constructor' },
  ],
  [`workers[1].password is missing: it must be a string or secret('NAME')`, { password: undefined }],
  [`workers[1].password must be a string or secret('NAME'), got an empty string`, { password: '' }],
  [
    `workers[1].keepaliveInterval must be a duration from 0.1 s to ${times}, or null (off), got -1`,
    { keepaliveInterval: -1 },
  ],
  [
    `workers[1].missingTimeout must be a duration from 0 s to ${times}, or null (never), got "x"`,
    { missingTimeout: 'x' },
  ],
  ['workers[1].notifyOnMissing must be a mail address or an array of them, got 7', { notifyOnMissing: 7 }],
  [
    'workers[1].notifyOnMissing must be a mail address or an array of them, got "bob"',
    { notifyOnMissing: 'bob' },
  ],
  [
    'workers[1].notifyOnMissing must be a mail address or an array of them, got an array',
    { notifyOnMissing: ['a@b', null] },
  ],
  [
    'workers[1].notifyOnMissing must be a mail address or an array of them, got "a@b\\nBcc: c@d"',
    { notifyOnMissing: 'a@b\nBcc: c@d' },
  ],
  [`workers[1].properties.f must be ${json}, got a function`, { properties: { f: () => 1 } }],
  [`workers[1].properties["a b"] must be ${json}, got an array`, { properties: { 'a b': [[NaN]] } }],
  [`workers[1].properties.s must be ${json}, got secret("S")`, { properties: { s: secret('S') } }],
  ['workers[1].properties must be a plain object, got an array', { properties: ['a'] }],
  ["workers[1].env.PORT must be a string or secret('NAME'), got a number", { env: { PORT: 80 } }],
  [
    'workers[1].env.PORT must be a secret whose name has letters, digits, "_" and "-", got "../x"',
    { env: { PORT: secret('../x') } },
  ],
  ['workers[1].env["A=B"] is no name of an environment variable', { env: { 'A=B': '' } }],
  ['workers[1].env.A must not contain a NUL byte', { env: { A: 'x\0y' } }],
  ['workers[1].env must be a plain object, got an object', { env: process.env }],
])('%s', (message, options) => {
  expect(errorsOf(ofWorker(options))).toEqual([message])
})

test.each<[string, readonly unknown[]]>([
  [
    `workers[2] must be a worker such as localWorker('name') or staticWorker('name', { password }), got "zz"`,
    [...right.workers, 'zz'],
  ],
  [
    `workers[1]: a worker takes a name and an object of options: localWorker('name', { maxBuilds: 2 })`,
    [right.workers[0], staticWorker('bot', 'hunter2' as never)],
  ],
  [
    'workers[1].baseDir is the folder of workers[0] too',
    [localWorker('dock', { baseDir: 'b/' }), localWorker('bot', { baseDir: './b' })],
  ],
  ['workers[2].name "bot" is taken by workers[1]', [...right.workers, localWorker('bot')]],
  [
    'workers[2].password is not an option of a local worker; it has name, maxBuilds, properties, defaultProperties, env, locks, baseDir',
    [...right.workers, { ...localWorker('l'), password: 'hunter2' }],
  ],
])('%s', (message, workers) => {
  expect(errorsOf({ workers })).toEqual([message])
})

describe('a name of a worker or builder', () => {
  const rule =
    'a name of letters, digits, ".", "_" and "-" that begins with a letter, a digit or "_" and has at most 100'

  test.each(['', '.', '..', '.hidden', '-x', 'a b', 'a/b', 'a\\b', 'ä', 'a:b', 'a\n', 7, null])(
    'cannot be %j',
    (name) => {
      const got = JSON.stringify(name)
      expect(errorsOf(ofBuilder({ name }))).toEqual([`builders[0].name must be ${rule}, got ${got}`])
      expect(errorsOf({ workers: [...right.workers, localWorker(name as string)] })).toEqual([
        `workers[2].name must be ${rule}, got ${got}`,
      ])
    },
  )

  test('cannot have more than 100 characters', () => {
    expect(errorsOf(ofBuilder({ name: 'x'.repeat(100) }))).toEqual([])
    const [error] = errorsOf(ofBuilder({ name: 'x'.repeat(101) }))
    expect(error).toBe(`builders[0].name must be ${rule}, got "${'x'.repeat(57)}..."`)
  })

  test.each(['a', 'A-1', '_x', 'node24.1', 'a..b'])('can be %j', (name) => {
    expect(errorsOf(ofBuilder({ name }))).toEqual([])
  })
})
