import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { userData, type UserDataOptions } from '../../src/latent/user-data.ts'

const spec = {
  id: 'rouse-1a2b3c4d-cloud-1-k3j9x0ab',
  token: `it's a "token" with $(reboot)`,
  agent: {
    file: '/nowhere',
    sha256: 'a'.repeat(64),
    masters: ['wss://ci.example/rouse/', 'unix:/run/rouse.sock', 'ws://10.0.0.1:8011'],
    node: { machine: 'linux-x64', libc: 'glibc', sha256: 'b'.repeat(64) },
  },
}

const options: UserDataOptions[] = [
  {},
  { channel: '/dev/virtio-ports/ci.rouse.agent', metadata: true, giveUp: '30m' },
  {
    before: 'apt-get update\necho done',
    ca: '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----',
  },
]

test.each(options)(
  'user data is a script that every shell reads, small enough for any cloud: %o',
  (given) => {
    const script = userData(spec, given)
    expect(script.length).toBeLessThan(12_000)
    for (const shell of ['sh', 'bash']) {
      const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }
    expect(script).not.toMatch(/@[A-Z_]+@/)
    expect(userData({ ...spec }, given)).toBe(script)
  },
)

test('each master is asked by the way that agents take, and one that is only reached by a socket is left out', () => {
  const script = userData(spec)
  expect(script).toContain("for from in 'https://ci.example/rouse' 'http://10.0.0.1:8011'; do")
  expect(script).toContain("--master 'wss://ci.example/rouse' --master 'ws://10.0.0.1:8011'")
  expect(script).not.toContain('unix:')
})

test('with a channel the token is not in it, so that every generation is rendered alike', () => {
  const script = userData(spec, { channel: '/dev/virtio-ports/ci.rouse.agent' })
  expect(script).not.toContain('a "token"')
  expect(
    userData({ ...spec, token: 'of the next generation' }, { channel: '/dev/virtio-ports/ci.rouse.agent' }),
  ).toBe(script)
})

test('the token reaches the machine as it is', () => {
  const [line] = userData(spec).match(/^id=.* token='.*$/m)!
  const { stdout } = spawnSync('sh', ['-c', `${line}\nprintf %s "$token"`], { encoding: 'utf8' })
  expect(stdout).toBe(spec.token)
})
