import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../helpers/free-port.ts'
import { launchMaster, type AgentProcessOptions, type MasterProcess } from '../helpers/master-process.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'

const passwords: Record<string, string> = { bot: 'b0t', second: '2nd' }
const config = `
const { defineMaster, localWorker, staticWorker, interpolate, shell } = rouse
const untilGo = shell(interpolate('rm -f go; echo %(prop:buildid)s > started; while [ ! -e go ]; do sleep 0.05; done; rm started'), { name: 'wait' })
export default defineMaster({
  listen,
  workers: [
    staticWorker('bot', { password: 'b0t', maxBuilds: 2, properties: { a: 'worker' },
      defaultProperties: { a: 'default', b: 'default', c: 'default', d: 'default' } }),
    staticWorker('second', { password: '2nd' }),
    localWorker('local-1'),
  ],
  builders: [
    { name: 'waits', workers: ['bot'], steps: [untilGo, shell('echo after')] },
    { name: 'also-waits', workers: ['bot'], steps: [untilGo] },
    { name: 'picky', workers: ['second', 'bot'], steps: [untilGo] },
    { name: 'props', workers: ['bot'], properties: { a: 'builder', b: 'builder', c: 'builder' }, steps: [
      shell(interpolate('echo %(prop:a)s %(prop:b)s %(prop:c)s %(prop:d)s')) ] },
  ],
})`

let master: MasterProcess
const releases: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  master = await launchMaster({ config }, (release) => releases.unshift(release))
})
afterAll(async () => {
  for (const release of releases) await release()
})

/** An agent that ends with its test. */
function startAgent(name: string, options: AgentProcessOptions & { password?: string } = {}) {
  const { password = passwords[name] ?? 'none', ...rest } = options
  const onEnd = (release: () => Promise<unknown>) => onTestFinished(async () => void (await release()))
  return master.agent(name, password, { baseDir: join(master.dir, `base-${name}`), onEnd, ...rest })
}

async function connectAgent(name: string) {
  const agent = await startAgent(name)
  await waitFor(`${name} to be connected`, async () => (await workerStatus(name)).connected)
  return agent
}

const workerStatus = (name: string) => master.api(`/workers/${name}`)
const buildOf = async (request: number) => {
  const { buildIds } = await master.api(`/requests/${request}`)
  return master.api(`/builds/${buildIds.at(-1)}`)
}

/** Waits until a build of 'untilGo' runs in this workspace, and returns its id. */
function started(worker: string, workspace: string): Promise<number> {
  const file = join(master.dir, `base-${worker}`, workspace, 'started')
  return waitFor(`a build in ${workspace}`, async () => {
    const build = Number(await readFile(file, 'utf8'))
    // A cancelled build leaves its file behind.
    return (await workerStatus(worker)).runningBuilds.includes(build) && build
  })
}

const go = (worker: string, workspace: string) =>
  writeFile(join(master.dir, `base-${worker}`, workspace, 'go'), '')

/** What the master logged of refused agents. */
const refusals = () => master.output.split('\n').filter((line) => line.includes('refused'))

test.each([
  ['a wrong password', 'bot', 'wrong password'],
  ['an unknown name', 'nobody', 'no worker of this name in the config'],
  ['the name of a local worker', 'local-1', 'this worker runs in the master itself and takes no agent'],
])(
  '%s is refused: the agent is told what to do, the master logs which it was and from where',
  async (_, name, why) => {
    const agent = await startAgent(name, { password: 'swordfish' })
    await waitFor('the refusal', () => agent.output().includes('refused this agent'))
    expect(agent.output()).toMatch(
      /HTTP 401 ROUSE_AGENT_LOGIN_REFUSED: unknown worker name or wrong password\. \w.*trying again in/,
    )
    const line = refusals().find((text) => text.includes(why))
    expect(line).toContain(`"worker":"${name}"`)
    expect(line).toContain('"address":"127.0.0.1"')
    expect(master.output + agent.output()).not.toContain('swordfish')
    expect(agent.child.exitCode).toBe(null)
  },
)

test('a second agent of the same name is refused while the first is there, and let in when it has gone', async () => {
  const first = await connectAgent('bot')
  const { connectedAt } = await workerStatus('bot')
  const second = await startAgent('bot', { baseDir: join(master.dir, 'base-other') })
  await waitFor('the refusal', () => second.output().includes('refused this agent'))
  expect(second.output()).toMatch(
    /HTTP 409 ROUSE_AGENT_ALREADY_CONNECTED: another agent is connected as "bot" from 127\.0\.0\.1.*trying again in/,
  )
  expect(refusals().at(-1)).toMatch(/another agent is connected as .*"worker":"bot","address":"127\.0\.0\.1"/)
  expect(await workerStatus('bot')).toMatchObject({ connected: true, connectedAt })

  expect(await first.end('SIGTERM')).toBe(0)
  await second.end('SIGTERM')
  await startAgent('bot', { baseDir: second.baseDir })
  await waitFor('a new session', async () => {
    const worker = await workerStatus('bot')
    return worker.connected && worker.connectedAt !== connectedAt
  })
})

test('an agent that is told to end finishes its running builds, takes no new ones, and exits with 0', async () => {
  const agent = await connectAgent('bot')
  const running = await master.force('waits')
  await started('bot', 'waits/0')
  agent.child.kill('SIGTERM')
  await waitFor(
    'the drain',
    async () => (await workerStatus('bot')).status === 'is shutting down; runs 1 of 2 builds',
  )
  const waiting = await master.force('also-waits')
  expect((await master.api(`/requests/${waiting}`)).waitingFor).toBe(
    'waits for a worker: bot is shutting down',
  )

  await go('bot', 'waits/0')
  expect(await master.request(running)).toMatchObject({ result: 'SUCCESS' })
  expect(await agent.ended).toBe(0)
  expect(await master.api(`/requests/${waiting}`)).toMatchObject({ state: 'pending', buildIds: [] })
  expect((await buildOf(running)).attempt).toBe(1)

  await connectAgent('bot')
  await started('bot', 'also-waits/0')
  await go('bot', 'also-waits/0')
  expect(await master.request(waiting)).toMatchObject({ result: 'SUCCESS' })
})

test('an agent that is told twice has its builds cancelled and exits with 0', async () => {
  const agent = await connectAgent('bot')
  const requests = [await master.force('waits'), await master.force('also-waits')]
  await started('bot', 'waits/0')
  await started('bot', 'also-waits/0')
  agent.child.kill('SIGTERM')
  await waitFor('the first signal', () => agent.output().includes('again to cancel them'))
  expect(await agent.end('SIGTERM')).toBe(0)
  for (const id of requests) {
    expect(await master.request(id)).toMatchObject({ result: 'CANCELLED' })
    expect(await buildOf(id)).toMatchObject({ attempt: 1, summary: 'the agent is shutting down' })
  }
})

test('properties of a worker win over those of a force and of the builder, its default ones over none', async () => {
  await connectAgent('bot')
  const properties = { a: 'force', b: 'force' }
  const request = await master.request(await master.force('props', { properties }))
  expect(request.result).toBe('SUCCESS')
  expect(await master.logText(request.buildIds[0])).toContain('\nworker force builder default\n')
  expect((await buildOf(request.id)).properties).toMatchObject({
    a: 'worker',
    b: 'force',
    c: 'builder',
    d: 'default',
    workername: 'bot',
  })
})

test('maxBuilds holds over all builders, and the lowest free slot is used first', async () => {
  await connectAgent('bot')
  const requests = [await master.force('waits'), await master.force('waits')]
  const first = await started('bot', 'waits/0')
  await started('bot', 'waits/1')
  requests.push(await master.force('also-waits'))
  expect(await workerStatus('bot')).toMatchObject({ status: 'runs 2 of 2 builds' })
  expect((await workerStatus('bot')).runningBuilds).toHaveLength(2)
  expect(await master.api(`/requests/${requests[2]}`)).toMatchObject({
    state: 'pending',
    position: 1,
    waitingFor: 'waits for a worker: bot runs 2 of 2 builds',
  })

  await go('bot', 'waits/0')
  await started('bot', 'also-waits/0')
  await go('bot', 'also-waits/0')
  await master.request(requests[2]!)
  const next = await master.force('waits')
  await waitFor('a new build in slot 0', async () => (await started('bot', 'waits/0')) !== first)
  await go('bot', 'waits/0')
  expect(await master.request(next)).toMatchObject({ result: 'SUCCESS' })
  await go('bot', 'waits/1')
  for (const id of requests) expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
})

test("a builder's workers are taken in the order of preference, and a request says whom it waits for", async () => {
  const lonely = await master.force('picky')
  await waitFor('the reason', async () =>
    /^waits for a worker: second is not connected.*; bot is not connected since 2.*Z$/.test(
      (await master.api(`/requests/${lonely}`)).waitingFor,
    ),
  )
  await connectAgent('bot')
  await started('bot', 'picky/0')
  await connectAgent('second')
  expect(await workerStatus('second')).toMatchObject({ status: 'is idle', runningBuilds: [] })
  const preferred = await master.force('picky')
  await started('second', 'picky/0')
  const other = await master.force('picky')
  await started('bot', 'picky/1')

  const last = await master.force('picky')
  expect((await master.api(`/requests/${last}`)).waitingFor).toBe(
    'waits for a worker: second runs 1 of 1 builds; bot runs 2 of 2 builds',
  )
  await master.api(`/requests/${last}/cancel`, { method: 'POST', json: {} })
  await go('second', 'picky/0')
  await go('bot', 'picky/0')
  await go('bot', 'picky/1')
  const workers = []
  for (const id of [lonely, preferred, other]) {
    await master.request(id)
    workers.push((await buildOf(id)).worker)
  }
  expect(workers).toEqual(['bot', 'second', 'bot'])
})

test('an agents-only listener serves agents and nothing else, the main one no agents; a dead master is passed over', async () => {
  const [port, dead] = [await freePort(), await freePort()]
  const own = await launchMaster(
    {
      config: `
const { defineMaster, staticWorker, shell } = rouse
export default defineMaster({
  listen,
  agents: { listen: [{ host: '127.0.0.1', port: ${port} }] },
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'hello', workers: ['bot'], steps: [shell('echo hello')] }],
})`,
    },
    (release) => onTestFinished(async () => void (await release())),
  )
  const agents = `http://127.0.0.1:${port}`
  const wrong = await own.agent('bot', 'b0t')
  await waitFor('the wrong door', () => wrong.output().includes('cannot connect'))
  expect((await own.api('/workers/bot')).connected).toBe(false)
  await wrong.end('SIGKILL')

  const agent = await own.agent('bot', 'b0t', { masters: [`http://127.0.0.1:${dead}`, agents] })
  await waitFor('the agent', async () => (await own.api('/workers/bot')).connected)
  await said(agent, /cannot connect to ws:\/\/127\.0\.0\.1:\d+\/agent: .*trying the next master/)
  for (const path of ['/', '/api/v1/builds', '/metrics'])
    expect((await fetch(agents + path)).status, path).toBe(404)
  expect(await own.request(await own.force('hello'))).toMatchObject({ result: 'SUCCESS' })
})
