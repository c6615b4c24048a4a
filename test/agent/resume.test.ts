import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { groupIsGone } from './processes.ts'
import { startAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

const counted = (lines: number) => Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('')

test('a cut connection loses no byte and repeats none, wherever the master had got to', async () => {
  const master = await WireMaster.start({ acks: false })
  const agent = await startAgent(master)
  const command = master.shell(
    'i=0; for round in 1 2 3 4 5; do until [ -e $round ]; do sleep 0.02; done; end=$((i+600)); while [ $i -lt $end ]; do i=$((i+1)); echo $i; done; done',
  )
  await mkdir(join(agent.baseDir, 'builder/0'), { recursive: true })
  for (let round = 1; round <= 4; round++) {
    const { acked } = command
    await writeFile(join(agent.baseDir, `builder/0/${round}`), '')
    await waitFor('more output', () => command.length > acked + 1000)
    // In the middle of what was received, and not at a frame's end.
    command.ack(acked + 501)
    master.cut()
    await master.connected(round + 1)
  }
  await writeFile(join(agent.baseDir, 'builder/0/5'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text()).toBe(counted(3000))
})

test('a reconnected agent is the same run, and tells what it still has', async () => {
  const master = await WireMaster.start({ forgets: false })
  await startAgent(master)
  const ended = master.shell('echo done; exit 4')
  const running = master.shell('echo here; sleep 60')
  await ended.done()
  await waitFor('the line', () => running.text() === 'here\n')
  master.cut()
  const { hello } = await master.connected(2)
  expect(hello!.runId).toBe(master.connections[0]!.hello!.runId)
  expect(hello!.commands).toEqual([
    {
      id: ended.id,
      logs: [{ log: 0, bytes: ended.length }],
      result: { exitCode: 4, signal: null, reason: null },
    },
    { id: running.id, logs: [{ log: 0, bytes: running.length }], result: null },
  ])
})

test('a result is sent again with every connection until the master forgets the command', async () => {
  const master = await WireMaster.start({ forgets: false })
  await startAgent(master)
  const command = master.shell('exit 5')
  await command.done()
  for (let connection = 2; connection <= 3; connection++) {
    master.cut()
    await master.connected(connection)
    await waitFor('the result again', () => command.dones.length === connection)
  }
  expect(new Set(command.dones.map(({ result }) => result.exitCode))).toEqual(new Set([5]))
  command.forget()
  await master.shell('true').done()
  master.cut()
  const { hello } = await master.connected(4)
  expect(hello!.commands.map(({ id }) => id)).not.toContain(command.id)
  expect(command.dones).toHaveLength(3)
})

test('a command that ends while the agent is disconnected reports all its output afterwards', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell('echo before; until [ -e go ]; do sleep 0.02; done; echo after; touch gone')
  await waitFor('the first line', () => command.text() === 'before\n')
  const { port } = master
  await master.stop()
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  await waitFor('the end of the command', () =>
    readFile(join(agent.baseDir, 'builder/0/gone')).then(
      () => true,
      () => false,
    ),
  )
  const again = await WireMaster.start({}, port)
  again.commands.set(command.id, command)
  await again.connected()
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text()).toBe('before\nafter\n')
})

test('a command that the master does not list in its welcome is killed and forgotten', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell('echo $$; sleep 60')
  const group = Number(await waitFor('the process id', () => command.text().trim()))
  master.commands.delete(command.id)
  master.cut()
  await master.connected(2)
  await waitFor('the process to be gone', () => groupIsGone(group))
  master.cut()
  expect((await master.connected(3)).hello!.commands).toEqual([])
  await said({ output: () => agent.log.text }, 'the master does not want it any more')
})

test('a new connection of the same agent takes over although the old one was not closed', async () => {
  const master = await WireMaster.start({ welcome: { heartbeat: 0.05 } })
  const agent = await startAgent(master)
  const command = master.shell('echo one; until [ -e go ]; do sleep 0.02; done; echo two')
  await waitFor('the first line', () => command.text() === 'one\n')
  // The master says nothing more on this connection, not even by closing it.
  await master.connected(2)
  await said({ output: () => agent.log.text }, 'silent for three heartbeats')
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  await waitFor('the result', () => command.dones.length > 0)
  expect(command.text()).toBe('one\ntwo\n')
})
