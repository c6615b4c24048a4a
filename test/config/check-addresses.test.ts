import { describe, expect, test } from 'vitest'
import { secret } from '../../src/model/secret.ts'
import { errorsOf } from '../helpers/config-errors.ts'

const local = { host: '127.0.0.1', port: 8010 }
const agentsOn = (...listen: object[]) => ({ agents: { listen } })

test.each<[string, object]>([
  [
    `url must be the page's URL, such as 'https://ci.example.com/', got "ci.acme.example"`,
    { url: 'ci.acme.example' },
  ],
  [
    `url must be the page's URL, such as 'https://ci.example.com/', got "http://...@x/"`,
    { url: 'http://bob:hunter2@x/' },
  ],
  [
    `agents.url must be the URL agents connect to, such as 'ws://172.17.0.1:8011', got "http://x"`,
    { agents: { url: 'http://x' } },
  ],
  ['listen must be a plain object, got 8010', { listen: 8010 }],
  [
    'listen.port must be a port from 1 to 65535, or 0 for any free one, got "8010"',
    { listen: { ...local, port: '8010' } },
  ],
  [
    'listen.port must be a port from 1 to 65535, or 0 for any free one, got 65536',
    { listen: { ...local, port: 65_536 } },
  ],
  [
    'listen.port is missing: it must be a port from 1 to 65535, or 0 for any free one',
    { listen: { host: '127.0.0.1' } },
  ],
  [
    'listen.host must be an IP address or a host name, got "http://x"',
    { listen: { ...local, host: 'http://x' } },
  ],
  [
    'listen.host must be an IP address or a host name, got "127.0.0.300"',
    { listen: { ...local, host: '127.0.0.300' } },
  ],
  ['agents.listen must be an array with at least one address, got an empty array', agentsOn()],
  ['agents.listen[0]: "127.0.0.1" port 8010 is taken by listen', agentsOn(local)],
  ['agents.listen[0].path must be a path, got 7', agentsOn({ path: 7 })],
  [
    'agents.listen[0].port is not an option of a socket; it has path',
    agentsOn({ path: 'agents.sock', port: 9 }),
  ],
  [
    'agents.listen[1]: "agents.sock" is taken by agents.listen[0]',
    agentsOn({ path: 'agents.sock' }, { path: 'agents.sock' }),
  ],
  [
    `agents.url must be the URL agents connect to, such as 'ws://172.17.0.1:8011', got "unix:agents.sock"`,
    { agents: { url: 'unix:agents.sock' } },
  ],
  [
    'agents.listen[1]: "0.0.0.0" port 9 is taken by agents.listen[0]',
    agentsOn({ host: '127.0.0.2', port: 9 }, { host: '0.0.0.0', port: 9 }),
  ],
])('%s', (message, changes) => {
  expect(errorsOf(changes)).toEqual([message])
})

describe('an address that others can reach', () => {
  const advice =
    "Listen on 127.0.0.1, or write auth: 'none' to open page and API to everyone who reaches the address."

  test.each(['0.0.0.0', '::', '192.168.1.2', 'ci.acme.example', '::ffff:127.0.0.1', '127.0.0.1.example'])(
    '%s needs auth, unless only agents are served there',
    (host) => {
      expect(errorsOf({ listen: { host, port: 8010 } })).toEqual([
        `listen.host: "${host}" can be reached from other machines, and auth is not set (ROUSE_LISTEN_NEEDS_AUTH). ${advice}`,
      ])
      expect(errorsOf({ listen: { host, port: 8010 }, auth: 'none' })).toEqual([])
      expect(errorsOf(agentsOn({ host, port: 8011 }))).toEqual([])
    },
  )

  test.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost'])('is not %s', (host) => {
    expect(errorsOf({ listen: { host, port: 8010 } })).toEqual([])
  })
})

const databases = `'embedded', a URL such as 'postgres://user@host/name', or a secret with such a URL`

test.each<[string, unknown]>([
  [`database must be ${databases}; did you mean 'embedded'?`, 'embeded'],
  [`database must be ${databases}, got a URL of mysql:`, 'mysql://u:hunter2@h/x'],
  [
    `database must be ${databases}; this URL cannot be read (is a special character in it not %-encoded?)`,
    'postgres://u:hun/ter:2@h/x',
  ],
  [`database must be ${databases}, got a string`, 'hunter2'],
  [`database must be ${databases}, got 7`, 7],
  ['database must be a secret whose name has letters, digits, "_" and "-", got "no/path"', secret('no/path')],
])('%s', (message, database) => {
  expect(errorsOf({ database })).toEqual([message])
})

test.each([
  'embedded',
  'postgres://u:p%40@h:5432/x?sslmode=require',
  'postgresql:///x?host=/run/pg',
  secret('DB'),
])('the database can be %o', (database) => {
  expect(errorsOf({ database })).toEqual([])
})
