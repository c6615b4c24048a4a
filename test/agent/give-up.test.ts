import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { giveUpCommand } from '../../src/agent/give-up-command.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess } from './agent-process.ts'
import { launchAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

// Nothing in here may run the default command.
const nobody = 'ws://127.0.0.1:1'

test('an agent that finds no master for as long as --give-up says runs its command and ends with 1', async () => {
  const file = join(await tempDir(), 'told')
  const more = ['--give-up', '1s', '--give-up-command', `echo gone > ${file}`]
  const agent = await AgentProcess.start(nobody, { more })
  expect(await agent.ended()).toBe(1)
  expect(await readFile(file, 'utf8')).toBe('gone\n')
  expect(agent.output).toContain('no master for 1.0 s')
})

test('a command that fails is told, and the agent ends all the same', async () => {
  const agent = await AgentProcess.start(nobody, { more: ['--give-up', '1', '--give-up-command', 'exit 7'] })
  expect(await agent.ended()).toBe(1)
  expect(agent.output).toContain('exit 7 failed: it ended with 7')
})

test.each([
  ['a moment', 'not a duration'],
  ['0s', 'is no time to wait'],
])('--give-up %s is refused', async (time, said) => {
  const agent = await AgentProcess.start(nobody, { more: ['--give-up', time] })
  expect(await agent.ended()).not.toBe(0)
  expect(agent.output).toContain(said)
})

test('an agent that has lost its master gives up only when its commands have ended', async () => {
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [master.url], giveUp: 2 })
  await master.connected()
  const command = master.shell('echo begun; until [ -e go ]; do sleep 0.02; done; echo over > over')
  await waitFor('the command', () => command.text().includes('begun'))
  await master.stop()
  await waitFor('the end of its patience', () => agent.log.text.includes('ending as soon as nothing runs'))
  expect(agent.log.text).not.toContain('giving up')
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  expect(await agent.ended).toBe('gave up')
  expect(await readFile(join(agent.baseDir, 'builder/0/over'), 'utf8')).toBe('over\n')
})

test('a master that comes back while commands are waited for has its agent again', async () => {
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [master.url], giveUp: 2 })
  await master.connected()
  const command = master.shell('echo begun; until [ -e go ]; do sleep 0.02; done; echo over')
  await waitFor('the command', () => command.text().includes('begun'))
  const { port } = master
  await master.stop()
  await waitFor('the end of its patience', () => agent.log.text.includes('ending as soon as nothing runs'))
  const next = await WireMaster.start({}, port)
  command.moveTo(next)
  await next.connected()
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(await next.shell('echo still here').done()).toMatchObject({ exitCode: 0 })
  expect(agent.log.text).not.toContain('giving up')
})

test('a connected agent does not give up', async () => {
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [master.url], giveUp: 3 })
  await master.connected()
  expect(await master.shell('sleep 3.5').done()).toMatchObject({ exitCode: 0 })
  expect(agent.log.text).not.toContain('no master for')
})

test('the agent of an instance that no master knows any more ends after a few tries', async () => {
  let tries = 0
  const master = await WireMaster.start({
    refuse: (_, socket) => {
      tries++
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return true
    },
  })
  const agent = await launchAgent({ masters: [master.url], instance: true })
  expect(await agent.ended).toBe('gave up')
  expect(tries).toBe(6)
  await said({ output: () => agent.log.text }, 'error no master knows this instance any more: HTTP 401')
})

test('that a master has had too many failed logins to look at this one changes nothing about that', async () => {
  let tries = 0
  const master = await WireMaster.start({
    refuse: (_, socket) => {
      const answer = tries++ === 3 ? '429 Too Many Requests' : '401 Unauthorized'
      socket.end(`HTTP/1.1 ${answer}\r\nConnection: close\r\n\r\n`)
      return true
    },
  })
  const agent = await launchAgent({ masters: [master.url], instance: true })
  expect(await agent.ended).toBe('gave up')
  expect(tries).toBe(7)
})

test('only the machine of an instance whose agent runs as root is powered off by itself', () => {
  const instance = { command: undefined, isEphemeral: true, instance: true, isRoot: true }
  expect(giveUpCommand(instance)).toContain('poweroff')
  expect(giveUpCommand({ ...instance, isRoot: false })).toBe('')
  expect(giveUpCommand({ ...instance, instance: false })).toBe('')
  expect(giveUpCommand({ ...instance, isEphemeral: false })).toBe('')
  expect(giveUpCommand({ ...instance, command: '' })).toBe('')
  expect(giveUpCommand({ ...instance, command: 'halt', instance: false })).toBe('halt')
})
