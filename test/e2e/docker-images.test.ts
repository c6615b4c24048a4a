import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ApiImage } from '../../src/web/image-api.ts'
import { labels } from '../../workers/docker/stamps.ts'
import { printed, printedJson } from '../helpers/cli-output.ts'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { plainImage } from '../helpers/docker/test-images.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { endOf } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const engine = engineForFile(plainImage)
const backend = fileURLToPath(new URL('../../workers/docker/index.ts', import.meta.url))

test('an image is provisioned once by a visible build, a broken one is refused, and the older one comes back by `use`', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await startMaster({
    config: configOf(),
    files: {
      tools: 'one',
      'setup.sh': '#!/bin/sh\necho from the script >/etc/script\n',
    },
  })
  onTestFinished(removeImages)
  const first = await endOf(master, await master.force('unit'), patience)
  expect(first).toMatchObject({ result: 'SUCCESS', worker: 'dock' })
  expect(first.text).toContain('\none\nfrom the script\nthe file\n600\nbuilder\n')
  const one = await ready(master)
  const log = await printed(master, 'logs', String(one.buildId))
  expect(log.out).toMatch(/tools are put in place/)

  await reconfig(master, 'two; exit 3')
  const broken = await waitFor(
    'the failure',
    async () => (await images(master)).find(({ state }) => state === 'failed'),
    { timeout: patience },
  )
  expect(broken.error).toMatch(/^build \d+ ended in FAILURE: .*exit code 3/)
  expect((await images(master)).find(({ inUse }) => inUse)!.hash).toBe(one.hash)
  expect((await master.api<{ items: object[] }>('/troubles')).items).toMatchObject([
    { kind: 'image', name: 'debian-ci' },
  ])

  await reconfig(master, 'two')
  const two = await waitFor(
    'the second',
    async () => (await images(master)).find(({ hash, inUse }) => inUse && hash !== one.hash),
    { timeout: patience },
  )
  expect((await endOf(master, await master.force('unit'), patience)).text).toContain('\ntwo\n')
  expect((await printed(master, 'image', 'test', `debian-ci@${two.hash}`)).code).toBe(0)

  await printedJson(master, 'image', 'use', `debian-ci@${one.hash}`)
  await waitFor('the rollback', async () => (await ready(master)).hash === one.hash)
  expect((await endOf(master, await master.force('unit'), patience)).text).toContain('\none\n')
  const refused = await printed(master, 'image', 'remove', `debian-ci@${one.hash}`)
  expect(refused.err).toContain('ROUSE_IMAGE_IN_USE')
  await waitFor('its instances to go', async () => (await instances(master)) === 0, { timeout: patience })
  expect((await printed(master, 'image', 'remove', `debian-ci@${two.hash}`)).code).toBe(0)
  const left = await engine.docker.listImages({ filters: { label: [labels.kept] } })
  expect(left.map(({ RepoTags }) => RepoTags)).toEqual([[one.ref]])
  expect(left[0]!.Labels).toMatchObject({ [labels.instance]: '' })
}, 300_000)

async function reconfig(master: MasterProcess, tools: string): Promise<void> {
  await writeFile(join(master.dir, 'tools'), tools)
  expect((await printed(master, 'reconfig')).code).toBe(0)
}

function configOf(): string {
  const options = { docker: engine.host, network: 'none', user: 'builder', buildWaitTimeout: 0 }
  return `
import { dockerWorker } from '${backend}'
const tools = (await import('node:fs')).readFileSync('tools', 'utf8')
const ci = rouse.image('debian-ci', {
  from: '${plainImage}',
  provision: ['id -un; echo tools are put in place; echo ' + tools + ' >/etc/tools', { script: 'setup.sh' }, { file: 'setup.sh', to: '/opt/deep/file', mode: 0o600 }, 'echo the file >/opt/deep/file && chmod 644 /opt/deep/file && chmod 600 /etc/script && chmod 644 /etc/script'],
})
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ path: 'agents.sock' }] },
  sweepInterval: 1,
  images: [ci],
  workers: [dockerWorker('dock', { ...${JSON.stringify(options)}, image: ci })],
  builders: [{ name: 'unit', workers: ['dock'], steps: [rouse.shell('cat /etc/tools /etc/script /opt/deep/file; stat -c %a /rouse/token; id -un')] }],
})`
}

async function images(master: MasterProcess): Promise<ApiImage[]> {
  return (await printedJson<{ items: ApiImage[] }>(master, 'image', 'list')).items
}

async function ready(master: MasterProcess): Promise<ApiImage> {
  return await waitFor('the image', async () => (await images(master)).find(({ inUse }) => inUse))
}

async function instances(master: MasterProcess): Promise<number> {
  return (await printedJson<{ items: object[] }>(master, 'instances')).items.length
}

async function removeImages(): Promise<void> {
  for (const { Id } of await engine.docker.listImages({ filters: { label: [labels.kept] } }))
    await engine.docker.getImage(Id).remove({ force: true })
}

const patience = 90_000
