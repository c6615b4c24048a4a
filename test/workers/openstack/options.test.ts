import { expect, test } from 'vitest'
import { Properties } from '../../../src/model/properties.ts'
import { secret } from '../../../src/model/secret.ts'
import { openstackWorker, type OpenStackWorkerOptions } from '../../../workers/openstack/index.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { root } from '../../helpers/master-process.ts'
import { runNode } from '../../helpers/run-node.ts'

const right = { cloud: 'lab', image: 'debian-13', flavor: 'm1.small' }

test('a worker is a frozen description; nothing is opened for it', () => {
  const worker = openstackWorker('cloud', { ...right, region: 'one', buildWaitTimeout: 0 })
  expect(worker).toMatchObject({ kind: 'latent', name: 'cloud', buildWaitTimeout: 0, mistakes: [] })
  expect(worker.template).toEqual({ image: 'debian-13', flavor: 'm1.small' })
  expect(worker.backend).toMatchObject({ kind: 'openstack', key: 'openstack cloud lab one' })
  expect(Object.isFrozen(worker)).toBe(true)
  expect(worker).not.toHaveProperty('cloud')
})

test('workers of one cloud and project share a backend, and others do not', () => {
  const keyOf = (options: Partial<OpenStackWorkerOptions>) =>
    openstackWorker('cloud', { ...right, ...options }).backend.key
  expect(keyOf({ flavor: 'm1.large', listLag: 5, maxCallsPerSecond: 1 })).toBe(keyOf({}))
  const auth = { authUrl: 'https://cloud.example.com', username: 'ci', password: secret('OS') }
  const keys = [
    keyOf({}),
    keyOf({ cloud: undefined } as never),
    keyOf({ region: 'one' }),
    keyOf({ cloudsFile: 'clouds.yaml' }),
    keyOf({ cloud: undefined, auth: { ...auth, projectName: 'ci' } } as never),
    keyOf({ cloud: undefined, auth: { ...auth, projectName: 'qa' } } as never),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})

test('options are computed from the properties of a build, also inside of others', async () => {
  const { mistakes, template } = openstackWorker('cloud', {
    ...right,
    flavor: (p) => (p.get('size') === 'large' ? 'm1.large' : 'm1.small'),
    metadata: { team: (p) => String(p.get('team', 'none')) },
  })
  expect(mistakes).toEqual([])
  const properties = new Properties([{ name: 'size', value: 'large', source: 'force' }])
  expect(typeof template === 'function' && (await template(properties))).toEqual({
    image: 'debian-13',
    flavor: 'm1.large',
    metadata: { team: 'none' },
  })
})

test.each<[string, object, string[]]>([
  [
    'nothing',
    { image: undefined, flavor: undefined },
    ["image: missing; write image: 'debian-13'", "flavor: missing; write flavor: 'm1.small'"],
  ],
  [
    'a password in the open',
    { cloud: undefined, auth: { authUrl: 'cloud', username: 'ci', password: 'hunter2', projekt: 'ci' } },
    [
      "auth.authUrl: must be a URL like 'https://cloud.example.com:5000/v3'",
      "auth.password: must be secret('NAME')",
      'auth.projekt: unknown',
      'auth.projectName: missing',
    ],
  ],
  [
    'two ways to a cloud',
    {
      auth: {
        authUrl: 'https://cloud.example.com',
        applicationCredentialId: 'x',
        applicationCredentialSecret: secret('X'),
      },
    },
    ['auth: give either cloud or auth, not both'],
  ],
  [
    'what is no option',
    { endpoints: { nova: 'https://x' }, interface: 'side', listLag: -1 },
    [
      "interface: must be 'public', 'internal' or 'admin'",
      "endpoints: must be URLs like { compute: 'https://nova.example.com/v2.1' }, of compute, image, network or volume",
      'listLag: must be a positive number of seconds',
    ],
  ],
  [
    'a wrong template',
    { networks: [], volume: { type: 'ssd' }, metadata: { 'rouse.cluster': 'mine' }, floatingIp: 7 },
    [
      'volume: must be a size in GiB and perhaps a type: { size: 40, type: \'ssd\' }, got {"type":"ssd"}',
      "networks: must be 'auto', 'none' or a list like ['ci-net'], got []",
      "floatingIp: must be true, { network: 'public' } or an address, got 7",
      'metadata: must be an object of texts of 255 bytes at most; names that begin with \'rouse.\' are taken, got {"rouse.cluster":"mine"}',
    ],
  ],
])('%s is told by what is wrong and what would be right', (_, options, mistakes) => {
  const worker = openstackWorker('cloud', { ...right, ...options })
  expect(worker.mistakes).toEqual(mistakes)
  expect(JSON.stringify(worker)).not.toContain('hunter2')
})

test('a config is checked without the cloud, its file and a call', async () => {
  const dir = await configFolder({
    'master.config.ts': `
import { defineMaster, shell } from 'rouse'
import { openstackWorker } from 'rouse/workers/openstack'
export default defineMaster({
  workers: [openstackWorker('cloud', { cloud: 'lab', image: 'debian-13', flavor: 'm1.small' })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [shell('true')] }],
})`,
  })
  const checked = await runNode([`${root}/src/cli.ts`, 'check'], { cwd: dir })
  expect(checked).toMatchObject({ code: 0, stderr: '' })
})
