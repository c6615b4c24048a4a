import { expect, test } from 'vitest'
import { Properties } from '../../../src/model/properties.ts'
import { secret } from '../../../src/model/secret.ts'
import { ec2Worker, type Ec2WorkerOptions } from '../../../workers/ec2/index.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { root } from '../../helpers/master-process.ts'
import { runNode } from '../../helpers/run-node.ts'

const right = { region: 'eu-central-1', ami: 'ami-0aaa', instanceType: 'c7i.large' }

test('a worker is a frozen description; nothing is opened for it', () => {
  const worker = ec2Worker('cloud', { ...right, endpoint: 'https://ec2.example.com', buildWaitTimeout: 0 })
  expect(worker).toMatchObject({ kind: 'latent', name: 'cloud', buildWaitTimeout: 0, mistakes: [] })
  expect(worker.template).toEqual({ ami: 'ami-0aaa', instanceType: 'c7i.large' })
  expect(worker.backend).toMatchObject({ kind: 'ec2', key: 'ec2 eu-central-1 https://ec2.example.com' })
  expect(Object.isFrozen(worker)).toBe(true)
  expect(worker).not.toHaveProperty('region')
})

test('workers of one region and account share a backend, and others do not', () => {
  const keyOf = (options: Partial<Ec2WorkerOptions>) =>
    ec2Worker('cloud', { ...right, ...options }).backend.key
  expect(keyOf({ instanceType: 'm7i.large', listLag: 5, maxCallsPerSecond: 1 })).toBe(keyOf({}))
  const credentials = { accessKeyId: secret('KEY_ID'), secretAccessKey: secret('KEY') }
  const keys = [
    keyOf({}),
    keyOf({ region: 'eu-west-1' }),
    keyOf({ profile: 'ci' }),
    keyOf({ credentials }),
    keyOf({ assumeRole: { roleArn: 'arn:aws:iam::1:role/ci' } }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})

test('options are computed from the properties of a build, also inside of others', async () => {
  const { mistakes, template } = ec2Worker('cloud', {
    ...right,
    instanceType: (p) => (p.get('size') === 'large' ? 'c7i.4xlarge' : 'c7i.large'),
    tags: { team: (p) => String(p.get('team', 'none')) },
  })
  expect(mistakes).toEqual([])
  const properties = new Properties([{ name: 'size', value: 'large', source: 'force' }])
  expect(typeof template === 'function' && (await template(properties))).toEqual({
    ami: 'ami-0aaa',
    instanceType: 'c7i.4xlarge',
    tags: { team: 'none' },
  })
})

test.each<[string, object, string[]]>([
  [
    'nothing',
    { region: undefined, ami: undefined, instanceType: undefined },
    [
      "region: missing; write region: 'eu-central-1'",
      "ami: missing; write ami: 'ami-...', or ami: { owners: ['self'], name: 'ci-*' }",
      "instanceType: missing; write instanceType: 'c7i.large'",
    ],
  ],
  [
    'an endpoint',
    { endpoint: 'ec2.example.com' },
    ["endpoint: must be a URL like 'https://ec2.example.com'"],
  ],
  [
    'a key in the config',
    { credentials: { accessKeyId: 'AKIA', secretAccessKey: 'hunter2' } },
    ["credentials: must be { accessKeyId, secretAccessKey: secret('NAME'), sessionToken?: secret('NAME') }"],
  ],
  [
    'a role',
    { assumeRole: { roleArn: 'rouse' } },
    ["assumeRole: must be { roleArn: 'arn:...', externalId?, sessionName? }"],
  ],
  [
    'images of anybody',
    { ami: { name: 'debian-*' } },
    [
      `ami: must be 'ami-...', 'OWNER/pattern-*' or { owners: [...], name: 'pattern-*', architecture? }, got {"name":"debian-*"}`,
    ],
  ],
  ['no type', { instanceType: [] }, ["instanceType: must be 'c7i.large', or a list of such names, got []"]],
  [
    "Rouse's own tags",
    { tags: { 'rouse.cluster': 'mine' } },
    [
      `tags: must be an object of texts; names that begin with 'rouse.' or 'aws:' are taken, got {"rouse.cluster":"mine"}`,
    ],
  ],
  [
    'a disk that would stay',
    { blockDeviceMap: [{ deviceName: '/dev/xvda', deleteOnTermination: false }] },
    [
      `blockDeviceMap: must be a list like [{ deviceName: '/dev/xvda', size: 40, type: 'gp3' }], got [{"deviceName":"/dev/xvda","deleteOnTermination":false}]`,
    ],
  ],
  [
    'a price',
    { spot: { maxPrice: '0.05' } },
    [`spot: must be true, false or { maxPrice?: 0.05, fallback?: true }, got {"maxPrice":"0.05"}`],
  ],
  [
    'spot instances that are to be stopped',
    { idle: 'stop', spot: { fallback: true } },
    ["idle: a spot instance cannot be stopped and started again; leave out spot, or write idle: 'terminate'"],
  ],
  ['what becomes of idle machines', { idle: 'sleep' }, ["idle: must be 'terminate' or 'stop'"]],
  ['a reset', { reset: 'boot' }, ['reset: EC2 makes no machine pristine; leave it out']],
])('a mistake with %s is said, without a secret in it', (_, options, mistakes) => {
  expect(ec2Worker('cloud', { ...right, ...options }).mistakes).toEqual(mistakes)
})

test('machines that are stopped while they are idle are of another template than those that are terminated', () => {
  const of = (idle?: 'terminate' | 'stop') => ec2Worker('cloud', { ...right, idle })
  expect(of('terminate').template).toEqual(of().template)
  expect(of('stop')).toMatchObject({
    park: true,
    template: { ami: 'ami-0aaa', idle: 'stop' },
    mistakes: [],
  })
})

test('a config is checked without the SDK, without credentials and without a call', async () => {
  const dir = await configFolder({
    'master.config.ts': `
import { defineMaster, shell } from 'rouse'
import { ec2Worker } from 'rouse/workers/ec2'
export default defineMaster({
  workers: [ec2Worker('cloud', { region: 'eu-central-1', ami: 'ami-0aaa', instanceType: 'c7i.large' })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [shell('true')] }],
})`,
    'no-sdk.mjs': `
import { registerHooks } from 'node:module'
registerHooks({ resolve(name, context, next) {
  if (name.startsWith('@aws-sdk/')) throw new Error('the SDK was loaded')
  return next(name, context)
} })`,
  })
  const checked = await runNode(['--import', './no-sdk.mjs', `${root}/src/cli.ts`, 'check'], { cwd: dir })
  expect(checked).toMatchObject({ code: 0, stderr: '' })
})
