import { tmpdir } from 'node:os'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { runOnMaster } from '../../src/builds/run-on-master.ts'
import { sendHttpRequest } from '../../src/builds/send-http-request.ts'

const { signal } = new AbortController()

test.each([32.3, '30d'])('a command of the master may have %j', async (maxTime) => {
  const write = async () => {}
  const ended = runOnMaster({ command: 'sleep 0.1', maxTime }, { cwd: tmpdir(), signal, write })
  expect(await ended).toEqual({ exitCode: 0, signal: null, reason: null })
})

test('a command of the master that takes longer than it may is killed', async () => {
  const write = async () => {}
  const ended = runOnMaster({ command: 'sleep 60', maxTime: 0.1 }, { cwd: tmpdir(), signal, write })
  expect(await ended).toMatchObject({ reason: 'maxTime', message: 'killed after 0.1 s' })
})

test.each([32.3, '30d'])('a request may have %j for its answer', async (timeout) => {
  const server = createServer((_, response) => setTimeout(() => response.end('here'), 100))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const answer = await sendHttpRequest({ url, timeout }, { follow: true, key: 'key', signal })
  expect(answer).toMatchObject({ status: 200, body: 'here' })
})
