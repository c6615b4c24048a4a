import { existsSync, readdirSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from '../helpers/wait-for.ts'
import { startAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

const window = 100_000
/** What a pipe and two reads of it may hold on top of the window. */
const slack = 4 * 65_536

test('a master that does not acknowledge stops the command instead of filling memory, and no silence is held against it', async () => {
  const master = await WireMaster.start({ acks: false, welcome: { window } })
  await startAgent(master)
  const total = 3_000_000
  const script = `let n = 0; const put = () => { while (n < ${total}) { n += 1000; require('fs').writeSync(1, 'x'.repeat(999) + '\\n'); if (n % 50_000 === 0) require('fs').writeFileSync('progress', String(n)) } }; put()`
  const command = master.shell([process.execPath, '-e', script], { timeout: 0.3 })
  await waitFor('the window to be full', () => command.length >= window - 65_536)
  // Longer than the timeout: the command has nothing to say because nobody listens.
  const pause = master.shell('sleep 0.8; cat progress')
  await waitFor('the pause to be over', () => pause.dones.length > 0)
  expect(command.length).toBeLessThanOrEqual(window)
  expect(Number(pause.text())).toBeGreaterThan(0)
  expect(Number(pause.text())).toBeLessThanOrEqual(window + slack)
  expect(command.dones).toEqual([])
  master.acks = true
  command.ack()
  expect(await command.done()).toMatchObject({ exitCode: 0, reason: null })
  expect(command.bytes().length).toBe(total)
})

test('a disconnected agent lets its commands go on with their output on disk, and sends all of it when it is back', async () => {
  const master = await WireMaster.start({ acks: false, welcome: { window } })
  const agent = await startAgent(master)
  const script = `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i of many"; done; touch ready`
  const command = master.shell(script)
  await waitFor('the window to be full', () => command.length > window - 65_536)
  const { port } = master
  await master.stop()
  await waitFor('the end of the command', () => existsSync(join(agent.baseDir, 'builder/0/ready')))
  const again = await WireMaster.start({ acks: false, welcome: { window } }, port)
  command.moveTo(again)
  const { hello } = await again.connected()
  expect(hello!.commands[0]!.id).toBe(command.id)
  again.acks = true
  await waitFor('output of the new connection', () => command.length > 0)
  command.ack()
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text()).toBe(Array.from({ length: 20_000 }, (_, i) => `line ${i + 1} of many\n`).join(''))
})

test('without a master a command goes on until the spool is full, waits there, and goes on when it is sent', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master, { maxSpool: 1_000_000 })
  const total = 5_000_000
  const script = `echo ready; until [ -e go ]; do sleep 0.02; done; yes abcdefg | head -c ${total}`
  const command = master.shell(script, { timeout: 1 })
  await waitFor('the first line', () => command.text() === 'ready\n')
  const { port } = master
  await master.stop()
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  const spool = join(agent.baseDir, '.rouse/spool')
  const size = () =>
    readdirSync(spool).reduce((sum, name) => sum + (statSync(join(spool, name)).size || 0), 0)
  await waitFor('a full spool', () => size() >= 1_000_000)
  const again = await WireMaster.start({}, port)
  command.moveTo(again)
  const { hello } = await again.connected()
  expect(hello!.commands[0]!.result).toBe(null)
  expect(hello!.commands[0]!.logs[0]!.bytes).toBeLessThan(1_000_000 + slack)
  expect(await command.done()).toMatchObject({ exitCode: 0, reason: null })
  expect(command.bytes().length).toBe(total + 6)
})

test('many writes to both streams in turn arrive in full although each makes a run of its own', async () => {
  const master = await WireMaster.start({ welcome: { window } })
  await startAgent(master)
  const script = `for (let i = 0; i < 6000; i++) require('fs').writeSync(1 + i % 2, 'ab'[i % 2])`
  const command = master.shell([process.execPath, '-e', script])
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text('stdout')).toBe('a'.repeat(3000))
  expect(command.text('stderr')).toBe('b'.repeat(3000))
})
