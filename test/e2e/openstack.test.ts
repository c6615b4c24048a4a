import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bootUserData, missingForUserData } from '../helpers/boot-user-data.ts'
import { launchMaster, type MasterProcess } from '../helpers/master-process.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeOpenStack } from '../workers/openstack/fake-openstack/fake-openstack.ts'
import type { FakeServer } from '../workers/openstack/fake-openstack/fake-server.ts'
import { serveFakeOpenStack } from '../workers/openstack/fake-openstack/serve-fake-openstack.ts'

const missing = missingForUserData()

test('a bare server of OpenStack becomes a worker by its user data, takes a build, and is gone afterwards', async ({
  skip,
}) => {
  if (missing) skip(missing)
  const dir = await tempDir()
  const outputs: Promise<string>[] = []
  const boot = async (server: FakeServer) => {
    const output = bootUserData(server.o.userData, { dir, signal: server.signal })
    outputs.push(output)
    await output
  }
  const cloud = new FakeOpenStack({ boot, placeMs: 100, bootMs: 200, deleteMs: 200 })
  const served = await serveFakeOpenStack(cloud)
  onTestFinished(async () => {
    await served.close()
    await cloud.close()
  })
  const master = await launchMaster(
    {
      config: `
const { defineMaster, shell } = rouse
const { openstackWorker } = await import('rouse/workers/openstack')
export default defineMaster({
  listen,
  sweepInterval: 1,
  workers: [openstackWorker('cloud', {
    cloud: 'lab', listLag: 0.5, image: 'debian-13', flavor: 'm1.small', buildWaitTimeout: 0,
    agentUrl: \`ws://127.0.0.1:\${listen.port}\` })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [
    shell('echo "built in $PWD"; env') ] }],
})`,
      files: {
        'clouds.yaml': `
clouds:
  lab:
    auth: { auth_url: ${served.url}, username: ci, password: right, project_name: ci }
    region_name: RegionOne
`,
      },
    },
    (release) => onTestFinished(async () => void (await release())),
  )
  await master.api('/builders/unit/force', { method: 'POST', json: {} })
  const build = await waitFor('the build', () => finishedBuild(master), { timeout: 60_000 }).catch(
    async (error: unknown) => {
      await cloud.close()
      throw new Error(`${master.output}\n${(await Promise.all(outputs)).join('\n')}`, { cause: error })
    },
  )
  expect(build).toMatchObject({ result: 'SUCCESS', worker: 'cloud' })
  expect(await readdir(join(dir, 'opt/rouse'))).toContain('rouse-agent.mjs')
  await waitFor('its end', () => cloud.present.length === 0)
  // Its processes, too: bootUserData ends with the last of them.
  expect(await Promise.all(outputs)).toHaveLength(1)
  expect(cloud.servers.size).toBe(1)
})

async function finishedBuild(master: MasterProcess): Promise<{ result: string; worker: string } | undefined> {
  const { items } = (await master.api('/builds')) as { items: { result: string | null; worker: string }[] }
  const [build] = items
  return build?.result ? { ...build, result: build.result } : undefined
}
