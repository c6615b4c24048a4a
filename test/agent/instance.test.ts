import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess } from './agent-process.ts'
import { launchAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

test('the agent of an instance proposes a credential that it keeps over cut connections, kills and restarts', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url, { more: ['--instance'] })
  await master.connected()
  const [credential] = master.credentials
  expect(credential).toMatch(/^[\w-]{43}$/)
  const file = join(agent.baseDir, '.rouse/credential')
  expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(credential)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  master.cut()
  await master.connected(2)
  agent.signal('SIGKILL')
  await agent.ended()
  await AgentProcess.start(master.url, { baseDir: agent.baseDir, more: ['--instance'] })
  await master.connected(3)
  expect(master.credentials).toEqual([credential, credential, credential])
})

test('a credential that was lost before its login was answered is not needed: it is on the disk before it is sent', async () => {
  const baseDir = await tempDir()
  let found: string | undefined
  const master = await WireMaster.start({
    refuse: (request, socket) => {
      if (found !== undefined) return false
      found = String(request.headers['rouse-credential'])
      socket.destroy()
      return true
    },
  })
  await launchAgent({ masters: [master.url], baseDir, instance: true })
  await waitFor('the first login', () => found)
  expect(await readFile(join(baseDir, '.rouse/credential'), 'utf8')).toContain(found)
  await master.connected()
  expect(master.credentials.at(-1)).toBe(found)
})

test('another token, as after a reset, makes another credential, and so does a damaged file', async () => {
  const baseDir = await tempDir()
  const credentials: unknown[] = []
  const login = async (password: string) => {
    const master = await WireMaster.start({ password })
    const agent = await launchAgent({ masters: [master.url], baseDir, password, instance: true })
    await master.connected()
    credentials.push(master.credentials[0])
    agent.kill()
    await agent.ended
  }
  await login('generation 1')
  await login('generation 2')
  await login('generation 2')
  await writeFile(join(baseDir, '.rouse/credential'), 'half')
  await login('generation 2')
  expect(credentials[1]).toBe(credentials[2])
  expect(new Set(credentials).size).toBe(3)
})

test('an agent of a usual worker proposes none', async () => {
  const master = await WireMaster.start()
  await launchAgent({ masters: [master.url] })
  await master.connected()
  expect(master.credentials).toEqual([undefined])
})

test('an instance that its master wants to end and that runs nothing says so, and ends when it is drained', async () => {
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [master.url], instance: true })
  await master.connected()
  master.send({ type: 'retire' })
  await waitFor('the answer', () => master.current.count('drain') === 1)
  expect(master.current.messages.at(-1)).toEqual({ type: 'drain', cancel: false })
  master.send({ type: 'drained' })
  expect(await agent.ended).toBe('ended')
  expect(master.connections).toHaveLength(1)
})

test('one that still runs a command, or whose result is not stored yet, does not answer', async () => {
  const master = await WireMaster.start({ forgets: false })
  await launchAgent({ masters: [master.url], instance: true })
  await master.connected()
  const command = master.shell('echo begun; until [ -e /nowhere ]; do sleep 0.02; done')
  await waitFor('the command', () => command.text().includes('begun'))
  master.send({ type: 'retire' })
  command.cancel()
  await command.done()
  master.send({ type: 'retire' })
  // Messages are taken in their order: what is said before the answer to this one was said to the others.
  expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
  expect(master.current.count('drain')).toBe(0)
})
