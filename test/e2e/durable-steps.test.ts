import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { AgentProcess, MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, downloadFile, httpRequest, masterShell, shell, staticWorker, step, trigger, uploadFile } = rouse
const workers = ['bot']
const wait = shell('touch ../waiting; while [ ! -e ../go ]; do sleep 0.05; done')
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t', maxBuilds: 5 })],
  builders: [
    { name: 'up', workers, steps: [shell('cp ../large .'), uploadFile('large')] },
    { name: 'down', workers, steps: [downloadFile('large', 'got')] },
    { name: 'parent', workers, steps: [
      step('ask', async (context) => {
        const answer = await context.httpRequest({ url: String(context.properties.get('url')), method: 'POST', body: 'x' })
        const { requests } = await context.trigger({ builders: ['child'], wait: true })
        return { result: 'SUCCESS', summary: answer.body + ' ' + requests.length + ' ' + requests[0].result }
      }) ] },
    { name: 'child', workers, steps: [wait] },
    { name: 'once', workers, steps: [masterShell('echo run >> once-runs; sleep 2; echo end >> once-runs')] },
    { name: 'again', workers, steps: [masterShell('echo run >> again-runs; sleep 2; echo end >> again-runs', { idempotent: true })] },
    { name: 'master', workers, steps: [
      masterShell(['sh', '-c', 'env; pwd; echo err >&2'], { env: { MINE: (p) => p.get('buildername') } }),
      masterShell('exit 3', { haltOnFailure: false }),
      masterShell(['no-such-program'], { haltOnFailure: false }),
      masterShell('sleep 600 & sleep 600', { maxTime: 0.3, haltOnFailure: false }),
      masterShell('touch begun; sleep 600'),
    ] },
  ],
})`

/** A file that takes its time: it is large and random, so that nothing makes it smaller. */
const large = randomBytes(40_000_000)

async function start(
  builder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ master: MasterProcess; agent: AgentProcess; proxy: TcpProxy }> {
  const master = await startMaster({ config, env })
  const proxy = await startTcpProxy(master.port, (release) =>
    onTestFinished(async () => void (await release())),
  )
  const agent = await master.agent('bot', 'b0t', { masters: [proxy.url] })
  await mkdir(join(agent.baseDir, builder), { recursive: true })
  await writeFile(builder === 'up' ? join(agent.baseDir, 'up/large') : join(master.dir, 'large'), large)
  return { master, agent, proxy }
}

/** Waits until a part of the file has come, but not all of it. */
async function halfWay(dir: string, isIt: (name: string) => boolean): Promise<void> {
  await waitFor(
    'a part of the file',
    async () => {
      const name = (await readdir(dir).catch(() => [])).find(isIt)
      return name !== undefined && (await stat(join(dir, name))).size > 1_000_000
    },
    { interval: 5 },
  )
}

async function expectArtifact(master: MasterProcess, build: number): Promise<void> {
  const { items } = await master.api(`/builds/${build}/artifacts`)
  expect(items).toHaveLength(1)
  const answer = await fetch(`${master.url}/api/v1/artifacts/${items[0].id}`)
  expect(Buffer.from(await answer.arrayBuffer()).equals(large)).toBe(true)
  expect(await readdir(join(master.dir, 'rouse-data/artifacts/incoming'))).toEqual([])
}

test(
  'an upload goes on when its connection is cut, and when the master is killed',
  { timeout: 90_000 },
  async () => {
    const { master, proxy } = await start('up')
    const incoming = join(master.dir, 'rouse-data/artifacts/incoming')
    const id = await master.force('up')
    await halfWay(incoming, () => true)
    proxy.cut()
    proxy.mend()
    await master.end('SIGKILL')
    await master.start()
    expect(await master.request(id)).toMatchObject({ result: 'SUCCESS', buildIds: [1] })
    await expectArtifact(master, 1)

    const again = await master.force('up')
    await halfWay(incoming, () => true)
    proxy.cut()
    proxy.mend()
    expect(await master.request(again)).toMatchObject({ result: 'SUCCESS', buildIds: [2] })
    await expectArtifact(master, 2)
  },
)

test(
  'a download goes on when its connection is cut, and when the master is killed',
  { timeout: 90_000 },
  async () => {
    const { agent, master, proxy } = await start('down')
    for (const kill of [false, true]) {
      const id = await master.force('down')
      const workspace = join(agent.baseDir, 'down/0')
      await halfWay(workspace, (name) => name.endsWith('.part'))
      if (kill) {
        await master.end('SIGKILL')
        await master.start()
      } else {
        proxy.cut()
        proxy.mend()
      }
      expect(await master.request(id)).toMatchObject({ result: 'SUCCESS', buildIds: [expect.any(Number)] })
      expect((await readFile(join(workspace, 'got'))).equals(large)).toBe(true)
      expect(await readdir(workspace)).toEqual(['got'])
    }
  },
)

test(
  'a build that waits for another goes on when the master is killed, and asks nobody twice',
  { timeout: 60_000 },
  async () => {
    let asked = 0
    const server = createServer((_, response) => void response.end(`answer ${++asked}`)).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { agent, master } = await start('child')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const id = await master.force('parent', { properties: { url } })
    const waiting = join(agent.baseDir, 'child/waiting')
    await waitFor('the child to run', () => readFile(waiting).then(() => true))
    for (let restart = 0; restart < 2; restart++) {
      await master.end('SIGKILL')
      await master.start()
    }
    await writeFile(join(agent.baseDir, 'child/go'), '')
    const request = await master.request(id)
    expect(request).toMatchObject({ result: 'SUCCESS', buildIds: [1] })
    const steps = (await master.api('/builds/1/steps')).items
    expect(steps[0]).toMatchObject({ result: 'SUCCESS', summary: 'answer 1 1 SUCCESS' })
    expect((await master.api('/requests?builder=child')).items).toHaveLength(1)
    expect(asked).toBe(1)
  },
)

test(
  'a command of the master that was running when it was killed is run again only if it may be',
  { timeout: 60_000 },
  async () => {
    const { master } = await start('any')
    const ids = [await master.force('once'), await master.force('again')]
    const runs = (name: string) => readFile(join(master.dir, `${name}-runs`), 'utf8')
    for (const name of ['once', 'again']) await waitFor(`${name} to run`, () => runs(name))
    await master.end('SIGKILL')
    await master.start()
    const [single, repeated] = await Promise.all(ids.map((id) => master.request(id)))
    expect([single.result, repeated.result]).toEqual(['EXCEPTION', 'SUCCESS'])
    expect((await master.api(`/builds/${single.buildIds[0]}/steps`)).items[0].summary).toMatch(
      /nobody knows how/,
    )
    expect((await runs('once')).match(/run/g)).toHaveLength(1)
    expect((await runs('again')).match(/run/g)).toHaveLength(2)
  },
)

test(
  'commands of the master see no secret of its environment, and are killed with all they began',
  { timeout: 60_000 },
  async () => {
    const { master } = await start('any', { MY_SECRET: 'hush-hush' })
    const id = await master.force('master')
    await waitFor('the last step', () => readFile(join(master.dir, 'begun')).then(() => true))
    await master.api(`/requests/${id}/cancel`, { method: 'POST', json: {} })
    const request = await master.request(id)
    const build = request.buildIds[0]
    const steps = (await master.api(`/builds/${build}/steps`)).items
    expect(steps.map((s: any) => [s.result, s.summary])).toEqual([
      ['SUCCESS', null],
      ['FAILURE', 'exit code 3'],
      ['FAILURE', 'spawn no-such-program ENOENT'],
      ['FAILURE', 'killed after 0.3 s'],
      ['CANCELLED', 'cancelled by a user'],
    ])
    const text = await master.logText(build)
    expect(text).toContain('MINE=master\n')
    expect(text).toContain(`${master.dir}\n`)
    expect(text).toContain('err\n')
    expect(text).not.toContain('hush-hush')
  },
)
