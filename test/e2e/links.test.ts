import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { launchMaster, type AgentProcessOptions, type MasterProcess } from '../helpers/master-process.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Random } from '../torture/random.ts'

const chatty = 4
const config = `
const { defineMaster, staticWorker, interpolate, shell } = rouse
const trace = 'echo "start %(prop:buildid)s" >> trace; '
const until = (file) => 'while [ ! -e ' + file + ' ]; do echo "tick %(prop:buildid)s" >> trace; sleep 0.02; done; '
export default defineMaster({
  listen,
  maxInfraRetries: 1,
  workers: [
    staticWorker('bot', { password: 'b0t' }),
    staticWorker('second', { password: '2nd' }),
    ...Array.from({ length: ${chatty} }, (_, i) => staticWorker('chatty-' + i, { password: 'chat', maxBuilds: 2 })),
  ],
  builders: [
    { name: 'counts', workers: ['bot'], steps: [
      shell('echo ran >> runs; n=0; while [ ! -e go ]; do n=$((n+1)); echo "line $n"; sleep 0.01; done; seq 1 20000; rm go; echo $n > total') ] },
    { name: 'chats', workers: Array.from({ length: ${chatty} }, (_, i) => 'chatty-' + i), steps: [
      shell(interpolate('echo %(prop:buildid)s >> ../../runs; for i in 1 2 3 4 5 6; do seq $i 3000; sleep 0.1; done')),
      shell('echo err >&2; seq 1 10') ] },
    { name: 'moves', workers: ['bot', 'second'], steps: [
      shell('case $PWD in */agent-bot/*) echo $$ > pid; exec sleep 600;; esac; echo moved') ] },
    { name: 'traces', workers: ['bot'], steps: [
      shell(interpolate(trace + 'if [ -e again ]; then echo "end %(prop:buildid)s" >> trace; exit; fi; touch again; ' + until('never'))) ] },
    { name: 'lingers', workers: ['bot'], steps: [
      shell(interpolate(trace + 'if [ -e again ]; then echo "end %(prop:buildid)s" >> trace; exit; fi; touch again; trap "" TERM; ' + until('never')), { grace: 1 }) ] },
    { name: 'doomed', workers: ['bot'], steps: [shell('echo $$ > pid; exec sleep 600')] },
    { name: 'bad', workers: ['bot'], steps: [shell('exit 7')] },
    { name: 'suicidal', workers: ['bot'], steps: [shell('kill -9 $$')] },
    { name: 'missing', workers: ['bot'], steps: [shell(['no-such-program-here'])] },
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

const onEnd = (release: () => Promise<unknown>) => onTestFinished(async () => void (await release()))

async function connectAgent(name: string, options: AgentProcessOptions & { password?: string } = {}) {
  const { password = name === 'bot' ? 'b0t' : '2nd', ...rest } = options
  const agent = await master.agent(name, password, { onEnd, ...rest })
  await connected(name)
  return agent
}

const connected = (name: string, yes = true) =>
  waitFor(`${name} to be ${yes ? 'connected' : 'gone'}`, async () => (await worker(name)).connected === yes)

const worker = (name: string) => master.api(`/workers/${name}`)
const buildsOf = async (request: { buildIds: number[] }) =>
  Promise.all(request.buildIds.map((id) => master.api(`/builds/${id}`)))
const lines = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n')
const seq = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join('')

/** What the builder 'counts' has written to stdout. */
async function countedIn(baseDir: string): Promise<string> {
  const total = Number(await readFile(join(baseDir, 'counts/0/total'), 'utf8'))
  return Array.from({ length: total }, (_, i) => `line ${i + 1}\n`).join('') + seq(1, 20_000)
}

test('a link that is cut again and again in mid-build costs nothing: one build, every byte once and in order', async () => {
  const proxy = await startTcpProxy(master.port, onEnd)
  const { baseDir } = await connectAgent('bot', { masters: [proxy.url] })
  const file = (name: string) => join(baseDir, 'counts/0', name)
  const request = await master.force('counts')
  await waitFor('the command', () => readFile(file('runs')))
  for (let i = 0; i < 3; i++) {
    proxy.cut()
    await connected('bot', false)
    proxy.mend()
    await connected('bot')
  }
  await writeFile(file('go'), '')
  const done = await master.request(request)
  expect(await buildsOf(done)).toMatchObject([{ attempt: 1, result: 'SUCCESS' }])
  expect((await master.logText(done.buildIds[0], 'stdout')) === (await countedIn(baseDir))).toBe(true)
  expect(await lines(file('runs'))).toEqual(['ran'])
})

test.each([
  ['before the command has arrived', '"type":"run"', 'before'],
  ['right after the command has arrived', '"type":"run"', 'after'],
  ['before output is acknowledged', '"type":"ack"', 'before'],
  ['before the result is acknowledged', '"type":"forget"', 'before'],
  ['right after the result is acknowledged', '"type":"forget"', 'after'],
] as const)('a link that is cut %s changes nothing', async (_, text, when) => {
  const proxy = await startTcpProxy(master.port, onEnd)
  const { baseDir } = await connectAgent('bot', {
    masters: [proxy.url],
    baseDir: join(master.dir, `cut-${text.slice(8, -1)}-${when}`),
  })
  const file = (name: string) => join(baseDir, 'counts/0', name)
  proxy.cutAt(text, when)
  const request = await master.force('counts')
  await waitFor('the command', () => readFile(file('runs')))
  await writeFile(file('go'), '')
  const done = await master.request(request)
  await waitFor('the cut', () => proxy.cuts === 1)
  expect(await buildsOf(done)).toMatchObject([{ attempt: 1, result: 'SUCCESS' }])
  expect((await master.logText(done.buildIds[0], 'stdout')) === (await countedIn(baseDir))).toBe(true)
  expect(await lines(file('runs'))).toEqual(['ran'])
  await waitFor('the agent to be idle again', async () => (await worker('bot')).status === 'is idle')
})

test(
  'links that are cut at any moment lose nothing, repeat nothing and change no result',
  { timeout: 90_000 },
  async () => {
    const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    console.log(`seed of the cuts: ROUSE_TEST_SEED=${seed}`)
    const source = new Random(seed)
    const random = () => source.next()
    const proxies = await Promise.all(Array.from({ length: chatty }, () => startTcpProxy(master.port, onEnd)))
    const agents = await Promise.all(
      proxies.map(({ url }, i) => connectAgent(`chatty-${i}`, { password: 'chat', masters: [url] })),
    )
    const over = new AbortController()
    const cutting = proxies.map(async (proxy) => {
      while (!over.signal.aborted) {
        // Long enough for the agent's first attempts, which come within half a second, short enough to hit everything.
        await delay(random() * 1500, undefined, { signal: over.signal }).catch(() => {})
        if (over.signal.aborted) break
        proxy.cut()
        if (random() < 0.3) await delay(random() * 300)
        proxy.mend()
      }
    })
    const builds: any[] = []
    const until = Date.now() + 20_000
    const client = async () => {
      while (Date.now() < until) {
        const request = await master.request(await master.force('chats'))
        builds.push(...(await buildsOf(request)))
      }
    }
    await Promise.all(Array.from({ length: 2 * chatty }, client))
    over.abort()
    await Promise.all(cutting)

    const cuts = proxies.reduce((sum, proxy) => sum + proxy.cuts, 0)
    console.log(`${builds.length} builds, ${cuts} cuts`)
    expect(cuts).toBeGreaterThan(10)
    expect(builds.filter((b) => b.result !== 'SUCCESS' || b.attempt !== 1)).toEqual([])
    const expected = [1, 2, 3, 4, 5, 6].map((i) => seq(i, 3000)).join('') + seq(1, 10)
    for (const { id } of builds)
      expect((await master.logText(id, 'stdout')) === expected, `log of ${id}`).toBe(true)
    const ran = (
      await Promise.all(agents.map(({ baseDir }) => lines(join(baseDir, 'runs')).catch(() => [])))
    ).flat()
    expect(ran.map(Number).sort((a, b) => a - b)).toEqual(builds.map((b) => b.id).sort((a, b) => a - b))
  },
)

test('when an agent dies in mid-build, the build ends RETRY and the next attempt runs on another worker', async () => {
  const agent = await connectAgent('bot')
  await connectAgent('second')
  const request = await master.force('moves')
  await waitFor('the command', () => readFile(join(agent.baseDir, 'moves/0/pid')))
  await agent.die()
  await master.agent('bot', 'b0t', { onEnd })
  expect(await buildsOf(await master.request(request))).toMatchObject([
    {
      attempt: 1,
      worker: 'bot',
      result: 'RETRY',
      summary: expect.stringMatching(/agent (was restarted|died)/),
    },
    { attempt: 2, worker: 'second', result: 'SUCCESS' },
  ])
})

test('an agent that was killed and restarted kills the old command before the retry starts in the same workspace', async () => {
  const agent = await connectAgent('bot')
  const trace = join(agent.baseDir, 'traces/0/trace')
  const request = await master.force('traces')
  await waitFor('the command', async () => (await lines(trace)).length > 5)
  await agent.die()
  await connectAgent('bot')
  const done = await master.request(request)
  const [first, second] = await buildsOf(done)
  expect([first, second]).toMatchObject([
    { result: 'RETRY' },
    { attempt: 2, worker: 'bot', result: 'SUCCESS' },
  ])
  const said = await lines(trace)
  expect(said.slice(0, 2)).toEqual([`start ${first.id}`, `tick ${first.id}`])
  expect(said.slice(said.indexOf(`start ${second.id}`))).toEqual([`start ${second.id}`, `end ${second.id}`])
})

test('a build whose agents die more often than maxInfraRetries ends EXCEPTION and says so', async () => {
  const request = await master.force('doomed')
  for (const attempt of [1, 2]) {
    const agent = await connectAgent('bot', { baseDir: join(master.dir, `doomed-${attempt}`) })
    await waitFor('the command', () => readFile(join(agent.baseDir, 'doomed/0/pid')))
    await agent.die()
    await connected('bot', false)
  }
  await connectAgent('bot', { baseDir: join(master.dir, 'doomed-3') })
  const done = await master.request(request)
  expect(done.result).toBe('EXCEPTION')
  expect(await buildsOf(done)).toMatchObject([
    { attempt: 1, result: 'RETRY' },
    {
      attempt: 2,
      result: 'EXCEPTION',
      summary: expect.stringMatching(/^gave up after 2 attempts: .*agent was restarted/),
    },
  ])
})

test.each(['bad', 'suicidal', 'missing'])(
  'a failure of the command itself is never retried: %s',
  async (builder) => {
    await connectAgent('bot')
    const done = await master.request(await master.force(builder))
    expect(await buildsOf(done)).toMatchObject([{ attempt: 1, result: 'FAILURE' }])
  },
)

test('a build that is cancelled while its agent is away ends at once; what it left running is dead before the next starts', async () => {
  const proxy = await startTcpProxy(master.port, onEnd)
  const agent = await connectAgent('bot', { masters: [proxy.url] })
  const trace = join(agent.baseDir, 'lingers/0/trace')
  const request = await master.force('lingers')
  await waitFor('the command', async () => (await lines(trace)).length > 5)
  proxy.cut()
  await connected('bot', false)
  await master.api(`/requests/${request}/cancel`, { method: 'POST', json: { reason: 'not wanted' } })
  const cancelled = await master.request(request, 5_000)
  expect(await buildsOf(cancelled)).toMatchObject([
    { attempt: 1, result: 'CANCELLED', summary: 'not wanted' },
  ])

  const next = await master.force('lingers')
  await appendFile(trace, 'mended\n')
  proxy.mend()
  const done = await master.request(next)
  expect(done).toMatchObject({ result: 'SUCCESS' })
  const said = await lines(trace)
  const [old, after] = [cancelled.buildIds[0], done.buildIds[0]]
  expect(said.slice(said.indexOf(`start ${after}`))).toEqual([`start ${after}`, `end ${after}`])
  // It went on while nobody could reach it, and held up the next build until it was killed.
  expect(said.slice(said.indexOf('mended'))).toContain(`tick ${old}`)
})
