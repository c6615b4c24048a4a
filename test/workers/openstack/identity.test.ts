import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secret } from '../../../src/model/secret.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { readAccount } from '../../../workers/openstack/account.ts'
import type { ConnectionOptions } from '../../../workers/openstack/connection-options.ts'
import { authAt, readSecret } from './open-openstack-backend.ts'
import { OpenStackWorld } from './openstack-world.ts'

test('a token is renewed before it expires, by the time of the master and not of Keystone', async () => {
  const clock = new ManualClock()
  clock.advance(Date.now())
  const world = await OpenStackWorld.open({ clock, tokenLife: 3600 })
  await world.list()
  expect(world.actions()).toEqual(['login', 'version', 'listServers'])
  clock.advance(3_000_000)
  await world.list()
  expect(world.actions()).toEqual(['listServers'])
  clock.advance(400_000)
  await world.list()
  expect(world.actions()).toEqual(['login', 'listServers'])
})

test('a token that was revoked is renewed once, and the call comes again', async () => {
  const world = await OpenStackWorld.open()
  await world.list()
  world.actions()
  world.cloud.tokens.clear()
  const spec = world.spec()
  await world.start(spec)
  expect(world.cloud.living).toHaveLength(1)
  expect(world.actions().filter((action) => action === 'login')).toHaveLength(1)
  world.cloud.plan('listServers', { error: { status: 401 } }, { error: { status: 401 } })
  await expect(world.list()).rejects.toThrow(/GET \/servers\/detail: the fake says 401 \(401, request req-/)
  await world.list()
})

test('many calls at once share one login', async () => {
  const world = await OpenStackWorld.open()
  await Promise.all(Array.from({ length: 20 }, () => world.start(world.spec())))
  expect(world.actions().filter((action) => action === 'login')).toHaveLength(1)
})

test('while Keystone fails a token is used until its end', async () => {
  const clock = new ManualClock()
  clock.advance(Date.now())
  const world = await OpenStackWorld.open({ clock, tokenLife: 3600 })
  await world.list()
  clock.advance(3_400_000)
  world.cloud.plan('login', { error: { status: 503 } })
  await world.list()
  world.cloud.plan('login', { error: { status: 503 } })
  clock.advance(201_000)
  await expect(world.list()).rejects.toThrow('503')
})

test('a wrong password is said so, and is not tried again and again', async () => {
  const world = await OpenStackWorld.open()
  world.cloud.password = 'another'
  for (let i = 0; i < 3; i++)
    await expect(world.list()).rejects.toThrow(
      /requires authentication.*does not take the master's credentials/,
    )
  expect(world.actions()).toEqual(['login'])
})

test('an application credential needs no project', async () => {
  const world = await OpenStackWorld.open({}, (authUrl) => ({
    auth: { authUrl, applicationCredentialId: 'cred-1', applicationCredentialSecret: secret('OS') },
  }))
  expect(await world.list()).toEqual([])
})

test('clouds.yaml is read, with secure.yaml beside it', async () => {
  const dir = await tempDir()
  await mkdir(join(dir, 'conf'))
  const file = join(dir, 'conf/clouds.yaml')
  const world = await OpenStackWorld.open({}, (url) => ({
    cloud: 'lab',
    cloudsFile: file,
    region: url && 'RegionOne',
  })).catch((error: unknown) => error)
  expect(String(world)).toContain(`there is no ${file}`)
  await writeFile(
    file,
    `# a comment
clouds:
  lab:
    auth:
      auth_url: http://127.0.0.1:5000/v3/
      username: ci
      project_name: ci   # the project
      user_domain_name: "Default"
      project_domain_id: default
    region_name: RegionTwo
    interface: internal
    compute_endpoint_override: http://127.0.0.1:8774/v2.1
`,
  )
  await writeFile(join(dir, 'conf/secure.yaml'), 'clouds: { lab: { auth: { password: "p: w" } } }')
  const context = { configDir: join(dir, 'conf'), readSecret }
  const wanted = {
    authUrl: 'http://127.0.0.1:5000/v3',
    region: 'RegionTwo',
    interface: 'internal',
    endpoints: { compute: 'http://127.0.0.1:8774/v2.1' },
    request: {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'ci', domain: { name: 'Default' }, password: 'p: w' } },
        },
        scope: { project: { name: 'ci', domain: { id: 'default' } } },
      },
    },
  }
  expect(await readAccount({ cloud: 'lab' }, context, {})).toEqual(wanted)
  expect(await readAccount({}, context, { OS_CLOUD: 'lab' })).toEqual(wanted)
  await expect(readAccount({ cloud: 'lap' }, context, {})).rejects.toThrow('has no cloud "lap"; it has lab')
  await writeFile(file, 'clouds:\n  lab: {auth: {password: hunter2}\n')
  const broken = await readAccount({ cloud: 'lab' }, context, {}).catch(String)
  expect(broken).toMatch(/clouds.yaml is no YAML \(line \d+\)/)
  expect(broken).not.toContain('hunter2')
})

test('OS_* variables are read', async () => {
  const env = {
    OS_AUTH_URL: 'https://cloud.example.com/identity',
    OS_APPLICATION_CREDENTIAL_ID: 'cred-1',
    OS_APPLICATION_CREDENTIAL_SECRET: 'right',
    OS_REGION_NAME: 'one',
    OS_INTERFACE: 'internalURL',
    PASSWORD: 'not this one',
  }
  expect(await readAccount({}, { configDir: '/', readSecret }, env)).toEqual({
    authUrl: 'https://cloud.example.com/identity/v3',
    region: 'one',
    interface: 'internal',
    endpoints: {},
    request: {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'cred-1', secret: 'right' },
        },
      },
    },
  })
  await expect(readAccount({}, { configDir: '/', readSecret }, {})).rejects.toThrow('OS_AUTH_URL')
})

test.each<[string, (url: string) => ConnectionOptions, RegExp | undefined]>([
  ['a region that is there', (url) => ({ auth: authAt(url), region: 'RegionOne' }), undefined],
  [
    'one that is not',
    (url) => ({ auth: authAt(url), region: 'Two' }),
    /no compute service in "Two", only in RegionOne/,
  ],
  [
    'an address instead of the catalogue',
    (url) => ({
      auth: authAt(url),
      interface: 'internal',
      endpoints: { compute: url.replace('/identity', '/compute/v2.1/') },
    }),
    undefined,
  ],
  [
    'one without a version',
    (url) => ({ auth: authAt(url), endpoints: { compute: url.replace('/identity', '/compute') } }),
    undefined,
  ],
])('services are found by %s', async (_, connection, error) => {
  const world = await OpenStackWorld.open({}, connection)
  if (error) await expect(world.list()).rejects.toThrow(error)
  else expect(await world.list()).toEqual([])
})

test.each([429, 413])('a call that is throttled by %i comes again when it may', async (status) => {
  const world = await OpenStackWorld.open()
  world.cloud.plan('listServers', { error: { status, retryAfter: 0 } }, { error: { status, retryAfter: 0 } })
  expect(await world.list()).toEqual([])
  world.cloud.chance = () => ({ error: { status, retryAfter: 30 } })
  const given = world.backend.start(world.spec(), { signal: AbortSignal.timeout(200) })
  await expect(given).rejects.toThrow()
  world.cloud.chance = () => undefined
  expect(await world.backend.list(call())).toEqual([])
})
