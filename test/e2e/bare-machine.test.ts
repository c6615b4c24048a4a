import type { HostConfig } from 'dockerode'
import { expect, onTestFinished, test } from 'vitest'
import { userData, type UserDataOptions } from '../../src/latent/user-data.ts'
import { FakeCloud, type FakeMachine } from '../../workers/fake/index.ts'
import { serveFakeCloud } from '../../workers/fake/serve-fake-cloud.ts'
import { bootBare, type BareMachine } from '../helpers/docker/boot-bare.ts'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { bareImage } from '../helpers/docker/test-images.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const engine = engineForFile(bareImage)
const steps = `[rouse.shell('id -un; pwd; ls /var/lib/rouse')]`

test('a machine without Node.js, agent and account becomes a worker by its user data, and its builds run as a user of their own', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  let machine: FakeMachine | undefined
  let booted: BareMachine | undefined
  const cloud = new FakeCloud({
    boot: async (made) => {
      machine = made
      booted = await bootBare(engine, userData(made.spec))
      made.signal.addEventListener('abort', () => void booted!.container.kill().catch(() => {}))
    },
  })
  const served = await serveFakeCloud(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  const master = await startMaster({
    config: `
const { fakeWorker } = await import('rouse/workers/fake')
export default rouse.defineMaster({
  listen,
  workers: [fakeWorker('cloud', { url: '${served.url}', buildWaitTimeout: 600 })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: ${steps} }],
})`,
  })
  const build = await runBuild(master, 'unit').catch(async (error: unknown) => {
    throw new Error(await booted?.output(), { cause: error })
  })
  expect(build).toMatchObject({ result: 'SUCCESS' })
  expect(build.text).toContain('\nrouse\n/var/lib/rouse/builds/unit/0\n')
  // The token was removed when it was used.
  expect(build.text).toMatch(/\nbuilds\n/)
  expect(build.text).not.toMatch(/\ntoken\n/)
  expect(await booted!.output()).toContain('rouse: fetching a Node.js from the master')
  expect(machine!.spec.agent.node?.machine).toBe(`${process.platform}-${process.arch}`)
}, 180_000)

const spec = {
  id: 'rouse-test-cloud-1',
  token: 't0ken',
  agent: { file: '', sha256: '0'.repeat(64), masters: ['ws://127.0.0.1:1'] },
}
const node = { machine: `${process.platform}-${process.arch}`, libc: 'glibc', sha256: '0'.repeat(64) }

async function ended(given: object, options: UserDataOptions = {}, after = '', more: HostConfig = {}) {
  const script = userData({ ...spec, ...given }, options)
  const whole = after ? `sh -c "$(cat <<'SCRIPT'\n${script}\nSCRIPT\n)"\n${after}` : script
  const { container, output } = await bootBare(engine, whole, more)
  await waitFor('the end', async () => !(await container.inspect()).State.Running, { timeout: 60_000 })
  return await output()
}

test('a machine whose master does not answer tries for as long as it was told, and is then powered off', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const said = await ended({ agent: { ...spec.agent, node } }, { giveUp: 3 })
  expect(said).toContain('cannot fetch http://127.0.0.1:1/agent/node-')
  expect(said).toContain('no master gave it what it needs within 3 s: powering this machine off')
  expect(said).not.toContain(spec.token)
}, 90_000)

test('a machine for which the master has no Node.js says so and is powered off', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const said = await ended({ agent: { ...spec.agent, node: { ...node, machine: 'sunos-sparc' } } })
  expect(said).toContain(`the master has none for ${node.machine}: powering this machine off`)
}, 90_000)

test('what is to run first runs as root, and when it fails the machine is powered off', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const said = await ended({}, { before: 'id -un\nfalse\necho not reached' })
  expect(said).toMatch(/root\nrouse: what was to run first failed/)
  expect(said).not.toContain('not reached')
}, 90_000)

test('builds cannot reach the metadata service of the cloud, unless the worker allows it; root can', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const after = `
for who in "$(id -u rouse)" 0; do
  if ip route get 169.254.169.254 uid "$who" >/dev/null 2>&1; then echo "$who can"; else echo "$who cannot"; fi
done`
  const before = 'ip link set lo up; ip route add 169.254.169.254 dev lo'
  const own = { NetworkMode: 'none', CapAdd: ['NET_ADMIN'] }
  const given = { agent: { ...spec.agent, node } }
  expect(await ended(given, { before, giveUp: 1 }, after, own)).toMatch(/\n999 cannot\n0 can\n/)
  expect(await ended(given, { before, giveUp: 1, metadata: true }, after, own)).toMatch(/\n999 can\n0 can\n/)
}, 90_000)
