import { expect, test } from 'vitest'
import { Properties } from '../../../src/model/properties.ts'
import { secret } from '../../../src/model/secret.ts'
import { dockerMistake, dockerOption } from '../../../workers/docker/docker-host.ts'
import { dockerWorker, type DockerWorkerOptions } from '../../../workers/docker/index.ts'

test('a worker is a frozen description; nothing is opened for it', () => {
  const worker = dockerWorker('dock', {
    image: 'node:24',
    docker: 'unix:///no/such.sock',
    buildWaitTimeout: 0,
  })
  expect(worker).toMatchObject({ kind: 'latent', name: 'dock', buildWaitTimeout: 0, mistakes: [] })
  expect(worker.template).toEqual({ image: 'node:24' })
  expect(worker.backend).toMatchObject({ kind: 'docker', key: 'docker unix:///no/such.sock' })
  expect(Object.isFrozen(worker)).toBe(true)
  expect(worker).not.toHaveProperty('image')
})

test('options are computed from the properties of a build, also inside of others', async () => {
  const { template } = dockerWorker('dock', {
    image: (p) => `node:${String(p.get('node', '24'))}`,
    hostConfig: { CpusetCpus: () => '0' },
    auth: { username: 'ana', password: secret('REGISTRY') },
  })
  const properties = new Properties([{ name: 'node', value: '22', source: 'force' }])
  expect(typeof template === 'function' && (await template(properties))).toEqual({
    image: 'node:22',
    hostConfig: { CpusetCpus: '0' },
    auth: { username: 'ana', password: 'REGISTRY' },
  })
})

test.each<[string, object, string[]]>([
  ['no image', {}, ["image: missing; write image: 'node:24', or build: { context: '.' }"]],
  [
    'image and build',
    { image: 'a', build: { context: '.' } },
    ['image: give either image or build, not both'],
  ],
  [
    'a bad image',
    { image: 'no spaces' },
    [`image: must be the name of an image, like 'node:24', got "no spaces"`],
  ],
  ['pull', { image: 'a', pull: 'maybe' }, [`pull: must be 'missing', 'always' or 'never', got "maybe"`]],
  [
    'a password in the config',
    { image: 'a', auth: { username: 'ana', password: 'hunter2' } },
    [`auth: must be { username, password: secret('NAME') }, got {"username":"ana"}`],
  ],
  [
    'volumes',
    { image: 'a', volumes: ['/x', '/a:/rouse/work', '/a:/b:ro', 3] },
    [
      `volumes[0]: must be 'src:dst' or 'src:dst:ro', got "/x"`,
      "volumes[1]: /rouse/work is Rouse's own",
      `volumes[3]: must be 'src:dst' or 'src:dst:ro', got 3`,
    ],
  ],
  [
    'a volume that is no list',
    { image: 'a', volumes: '/a:/b' },
    [`volumes: must be a list like ['/srv/cache:/cache:ro'], got "/a:/b"`],
  ],
  [
    'memory',
    { image: 'a', memory: '2 gigs' },
    [`memory: must be bytes, or a text like '512m' or '2g', got "2 gigs"`],
  ],
  ['cpus', { image: 'a', cpus: 0 }, ['cpus: must be a positive number, got 0']],
  ['env', { image: 'a', env: { A: 1 } }, ['env: must be an object of texts, got {"A":1}']],
  [
    'command',
    { image: 'a', command: 'sh' },
    [`command: must be a list of texts, like ['/bin/sh', '-c', 'exec /rouse/agent'], got "sh"`],
  ],
  [
    'an engine by ssh',
    { image: 'a', docker: 'ssh://build@host' },
    [
      `docker: must be 'unix:///path', 'tcp://host:port' or { host: 'tcp://host:port', ca, cert, key }, got "ssh://build@host"`,
    ],
  ],
  [
    'TLS without a key',
    { image: 'a', docker: { host: 'tcp://h:2376', ca: 'a', cert: 'b' } },
    ['docker.key: must be the name of a PEM file'],
  ],
])('rouse check tells of a mistake: %s', (_, options, mistakes) => {
  expect(dockerWorker('dock', options as DockerWorkerOptions).mistakes).toEqual(mistakes)
})

test('without the option, the engine is the one that the docker command would use', () => {
  expect(dockerOption(undefined, {})).toBe('unix:///var/run/docker.sock')
  expect(dockerOption(undefined, { DOCKER_HOST: 'tcp://h:1' })).toBe('tcp://h:1')
  const tls = { DOCKER_HOST: 'tcp://h:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/c' }
  expect(dockerOption(undefined, tls)).toEqual({
    host: 'tcp://h:1',
    ca: '/c/ca.pem',
    cert: '/c/cert.pem',
    key: '/c/key.pem',
  })
  expect(dockerMistake('/run/user/1000/docker.sock')).toBeUndefined()
})

test('a registry password that is a secret is known to the config, so that a missing one is told at the start', () => {
  const auth = { username: 'ana', password: secret('REGISTRY') }
  expect(dockerWorker('dock', { image: 'debian', auth }).secrets).toEqual([auth.password])
  expect(dockerWorker('dock', { image: 'debian' }).secrets).toBeUndefined()
})
