import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Done, FromMaster } from '../../src/protocol/messages.ts'
import { encodeFileFrame } from '../../src/protocol/file-frame.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWireAgent, type WireAgent } from '../helpers/wire-agent.ts'

const config = `
const { defineMaster, staticWorker, uploadFile, writeFile } = rouse
export default defineMaster({
  listen,
  maxArtifactSize: 1000,
  maxInfraRetries: 0,
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [
    { name: 'up', workers: ['bot'], steps: [uploadFile('x')] },
    { name: 'down', workers: ['bot'], steps: [writeFile('x', 'y')] },
  ],
})`

type Run = Extract<FromMaster, { type: 'run' }>

const sent = <T extends FromMaster['type']>(agent: WireAgent, type: T) =>
  waitFor(`a ${type}`, () => agent.messages.find((m) => m.type === type)) as Promise<
    Extract<FromMaster, { type: T }>
  >

const part = (run: Run, offset: number, length: number, last = false) =>
  encodeFileFrame({
    command: run.command,
    codec: 'none',
    offset,
    rawLength: length,
    last,
    body: Buffer.alloc(length, 'x'),
  })

test('an agent that lies about its files hurts nobody but its own build', { timeout: 90_000 }, async () => {
  const master = await startMaster({ config })
  const connect = async () => {
    const agent = await connectWireAgent({ url: master.url, name: 'bot', password: 'b0t' })
    await agent.welcome()
    return agent
  }
  const ending = async (id: number) => {
    const request = await master.request(id)
    const build = await master.api(`/builds/${request.buildIds.at(-1)}`)
    return `${request.result}: ${build.summary}`
  }
  const result = { exitCode: 0, signal: null, reason: null }
  const done = (run: Run): Done => ({
    type: 'done',
    command: run.command,
    result,
    logs: [{ log: 0, bytes: 0 }],
  })

  const honestly = await connect()
  let id = await master.force('up')
  let run = await sent(honestly, 'run')
  expect(await sent(honestly, 'want')).toMatchObject({ command: run.command, offset: 0 })
  honestly.socket.send(part(run, 0, 400))
  honestly.socket.send(part(run, 400, 400, true))
  await waitFor('all to be safe', () => honestly.messages.some((m) => m.type === 'want' && m.bytes === 0))
  honestly.send(done(run))
  expect(await ending(id)).toBe('SUCCESS: null')
  honestly.socket.terminate()

  const tooMuch = await connect()
  id = await master.force('up')
  run = await sent(tooMuch, 'run')
  tooMuch.socket.send(part(run, 0, 1001))
  expect(await sent(tooMuch, 'cancel')).toMatchObject({ reason: 'it is larger than 1000 bytes, the limit' })
  const { reason } = await sent(tooMuch, 'cancel')
  tooMuch.send({
    ...done(run),
    result: { exitCode: null, signal: null, reason: 'cancelled', message: reason },
  })
  expect(await ending(id)).toBe('FAILURE: upload x: it is larger than 1000 bytes, the limit')
  tooMuch.socket.terminate()

  const nothing = await connect()
  id = await master.force('up')
  nothing.send(done(await sent(nothing, 'run')))
  expect(await ending(id)).toBe('FAILURE: upload x: the agent ended before the file was whole')
  nothing.socket.terminate()

  for (const [builder, lie, why] of [
    ['up', (run: Run) => part(run, 1, 10), 'a file with a gap'],
    ['down', (run: Run) => part(run, 0, 10), 'sends no file'],
    ['up', () => Buffer.from([2, 9, 9]), 'is too short'],
  ] as const) {
    const agent = await connect()
    const forced = await master.force(builder)
    agent.socket.send(lie(await sent(agent, 'run')))
    expect(await waitFor('the closing', () => agent.closed)).toContain(why)
    await master.api(`/requests/${forced}/cancel`, { method: 'POST', json: {} })
    expect((await master.request(forced)).result).toBe('CANCELLED')
  }
  const artifacts = join(master.dir, 'rouse-data/artifacts')
  expect(await readdir(join(artifacts, 'incoming'))).toEqual([])
  expect((await readdir(artifacts)).filter((name) => name !== 'incoming')).toHaveLength(1)
})
