import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWireAgent, type WireAgent } from '../helpers/wire-agent.ts'

/** Seconds; an agent that is silent for three of them is dropped. */
const config = (options: string, heartbeat = 1) => `
const { defineMaster, localWorker, staticWorker, shell } = rouse
export default defineMaster({
  listen,
  heartbeatInterval: ${heartbeat},
  ${options}
  workers: [
    staticWorker('bot', { password: 'b0t' }),
    staticWorker('second', { password: '2nd' }),
    staticWorker('kept', { password: 'kept', keepaliveInterval: 1.5 }),
    staticWorker('left', { password: 'left', keepaliveInterval: null }),
    localWorker('local-1'),
  ],
  builders: [
    { name: 'counts', workers: ['bot'], steps: [
      shell('echo $$ > pid; n=0; while [ ! -e go ]; do n=$((n+1)); echo line $n; echo $n > count; sleep 0.05; done; echo end') ] },
    { name: 'moves', workers: ['bot', 'second'], steps: [
      shell('echo $$ > pid; while [ "$(basename $(dirname $(dirname $PWD)))" = agent-bot ]; do sleep 0.05; done; echo moved') ] },
    { name: 'hello', workers: ['local-1'], steps: [shell('echo hello')] },
  ],
})`

test('an agent that froze is noticed, and its build goes on with nothing lost when it thaws', async () => {
  const master = await startMaster({ config: config('') })
  const agent = await master.agent('bot', 'b0t')
  const request = await master.force('counts')
  const file = (name: string) => join(agent.baseDir, 'counts/0', name)
  const count = () => readFile(file('count'), 'utf8').then(Number)
  await waitFor('the command to count', async () => (await count()) > 3)

  agent.child.kill('SIGSTOP')
  await waitFor('the master to notice', async () => !(await master.api('/workers/bot')).connected)
  await said(master, /agent is silent, dropping its connection.*"worker":"bot"/)
  expect((await master.api('/workers/bot')).status).toMatch(
    /^is not connected since 2.*; runs 1 of 1 builds$/,
  )
  const noticedAt = await count()
  await waitFor('the command to go on alone', async () => (await count()) > noticedAt + 3)

  agent.child.kill('SIGCONT')
  await waitFor('the agent to be back', async () => (await master.api('/workers/bot')).connected)
  await writeFile(file('go'), '')
  const { buildIds, result } = await master.request(request)
  expect({ buildIds, result }).toEqual({ buildIds: [expect.any(Number)], result: 'SUCCESS' })
  const lines = (await master.logText(buildIds[0])).match(/^line \d+$|^end$/gm)!
  const expected = Array.from({ length: await count() }, (_, i) => `line ${i + 1}`)
  expect(lines).toEqual([...expected, 'end'])
})

test('a build whose agent stays away for longer than maxDisconnected is retried elsewhere, and killed when the agent is back', async () => {
  const master = await startMaster({ config: config('maxDisconnected: 5,') })
  const agent = await master.agent('bot', 'b0t')
  const request = await master.force('moves')
  const pid = Number(await waitFor('the command', () => readFile(join(agent.baseDir, 'moves/0/pid'), 'utf8')))
  await master.agent('second', '2nd')
  await waitFor('the other agent', async () => (await master.api('/workers/second')).connected)

  agent.child.kill('SIGSTOP')
  const { buildIds, result } = await master.request(request)
  expect(result).toBe('SUCCESS')
  const builds = await Promise.all(buildIds.map((id: number) => master.api(`/builds/${id}`)))
  expect(builds).toMatchObject([
    {
      attempt: 1,
      worker: 'bot',
      result: 'RETRY',
      summary: expect.stringContaining('away for more than 5 s'),
    },
    { attempt: 2, worker: 'second', result: 'SUCCESS' },
  ])
  expect(await master.logText(buildIds[1])).toContain('\nmoved\n')

  expect(() => process.kill(pid, 0)).not.toThrow()
  agent.child.kill('SIGCONT')
  await waitFor('the agent to be idle', async () => (await master.api('/workers/bot')).status === 'is idle')
  expect(() => process.kill(pid, 0), 'the first command is gone').toThrow()
})

test('keepalives come every keepaliveInterval, or never; heartbeats come anyway, and who answers them stays', async () => {
  const master = await startMaster({ config: config('') })
  const [kept, left] = [
    await connectWireAgent({ url: master.url, name: 'kept', password: 'kept' }),
    await connectWireAgent({ url: master.url, name: 'left', password: 'left' }),
  ]
  for (const agent of [kept, left]) {
    expect(await agent.welcome()).toMatchObject({ heartbeat: 1 })
    answerHeartbeats(agent)
  }
  await waitFor('many heartbeats', () => left.count('heartbeat') >= 6 && kept.count('keepalive') >= 2)
  expect(left.count('keepalive')).toBe(0)
  expect(kept.count('keepalive')).toBeLessThan(kept.count('heartbeat'))
  expect([kept.closed, left.closed]).toEqual([undefined, undefined])

  // The local worker has said nothing for as long, and is as alive as the master.
  expect(await master.api('/workers/local-1')).toMatchObject({ connected: true, status: 'is idle' })
  expect(await master.request(await master.force('hello'))).toMatchObject({ result: 'SUCCESS' })
})

test('an agent that answers no heartbeats is dropped and told why', async () => {
  const master = await startMaster({ config: config('', 0.3) })
  const agent = await connectWireAgent({ url: master.url, name: 'left', password: 'left' })
  await agent.welcome()
  await waitFor('the end', () => agent.closed)
  expect(agent.closed).toBe('silent for three heartbeats')
  expect(agent.count('heartbeat')).toBe(3)
})

function answerHeartbeats(agent: WireAgent): void {
  agent.socket.on('message', () => {
    if (agent.messages.at(-1)?.type === 'heartbeat') agent.send({ type: 'heartbeat' })
  })
}
