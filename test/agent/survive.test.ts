import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess, root, supervisorPid } from './agent-process.ts'
import { groupIsGone } from './processes.ts'
import { launchAgent, startAgent } from './run-test-agent.ts'
import { WireCommand } from './wire-command.ts'
import { WireMaster } from './wire-master.ts'

const counted = (lines: number) => Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('')
const counting = (lines: number) =>
  `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.1; done; echo ran >> ../../ran`

async function kill9(agent: AgentProcess): Promise<void> {
  agent.signal('SIGKILL')
  await agent.ended()
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

test(
  'a connector killed at random moments loses no line and repeats none, and its commands run once',
  { timeout: 120_000 },
  async () => {
    const master = await WireMaster.start()
    let agent = await AgentProcess.start(master.url)
    const { baseDir } = agent
    await master.connected()
    const { runId } = master.current.hello!
    const pid = await agent.supervisorPid()
    const commands = [1, 2, 3].map(() => master.shell(counting(3000)))
    for (let round = 2; round <= 5; round++) {
      const before = commands[0]!.length
      await waitFor('more output', () => commands[0]!.length > before || commands[0]!.dones.length > 0)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      await kill9(agent)
      agent = await AgentProcess.start(master.url, { baseDir })
      await master.connected(round)
      expect(master.current.hello!.runId).toBe(runId)
    }
    expect(await agent.supervisorPid()).toBe(pid)
    for (const command of commands) {
      expect(await command.done(60_000)).toMatchObject({ exitCode: 0, reason: null })
      expect(command.text()).toBe(counted(3000))
    }
    expect((await readFile(join(baseDir, 'ran'), 'utf8')).trim().split('\n')).toHaveLength(commands.length)
    await waitFor('an empty spool', () => readdirSync(join(baseDir, '.rouse/spool')).length === 0)
  },
)

test('what ends while the connector is dead is reported by the next one', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const command = master.shell('echo one; until [ -e go ]; do sleep 0.02; done; echo two; touch gone; exit 7')
  await waitFor('the first line', () => command.text() === 'one\n')
  await kill9(agent)
  const workspace = join(agent.baseDir, 'builder/0')
  await writeFile(join(workspace, 'go'), '')
  await waitFor('the end', () => existsSync(join(workspace, 'gone')))
  await AgentProcess.start(master.url, { baseDir: agent.baseDir })
  await master.connected(2)
  expect(await command.done()).toMatchObject({ exitCode: 7 })
  expect(command.text()).toBe('one\ntwo\n')
})

test('when the supervisor is killed its commands are killed, and reported lost at the next hello with all that they printed', async () => {
  const master = await WireMaster.start({ acks: false })
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const { runId } = master.current.hello!
  const command = master.shell(`echo $$; trap '' TERM; echo more > /dev/stderr; sleep 60`)
  await waitFor('both lines', () => command.text().includes('more'))
  const group = Number(command.text('stdout'))
  const ended = master.shell('echo fine; exit 3')
  await ended.done()
  await agent.killSupervisor()
  const { hello } = await master.connected(2)
  expect(groupIsGone(group)).toBe(true)
  expect(hello!.runId).not.toBe(runId)
  expect(hello!.commands).toMatchObject([{ id: command.id, result: { exitCode: null, reason: 'lost' } }])
  expect(await command.done()).toMatchObject({ reason: 'lost', message: 'the agent died while this ran' })
  expect(command.text()).toBe(`${group}\nmore\n`)
  expect(command.text('header')).toContain('the agent died while this ran\n')
})

test('when connector and supervisor are killed, results that were written are reported as they are', async () => {
  const master = await WireMaster.start({ acks: false, forgets: false })
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const ended = master.shell('echo fine; exit 3')
  const running = master.shell('echo here; sleep 60')
  await ended.done()
  await waitFor('the line', () => running.text() === 'here\n')
  await agent.killSupervisor()
  await kill9(agent)
  await AgentProcess.start(master.url, { baseDir: agent.baseDir })
  const { hello } = await master.connected(2)
  expect(new Set(hello!.commands.map(({ result }) => result!.reason))).toEqual(new Set([null, 'lost']))
  await waitFor('both results', () => ended.dones.length === 2 && running.dones.length === 1)
  expect(ended.dones[1]!.result).toEqual(ended.dones[0]!.result)
  expect([ended.text(), running.text()]).toEqual(['fine\n', 'here\n'])
  ended.forget()
  running.forget()
  await waitFor('an empty spool', () => readdirSync(join(agent.baseDir, '.rouse/spool')).length === 0)
})

test('half-written files of a dead supervisor are read as far as they go, and what is none is removed', async () => {
  const master = await WireMaster.start({ forgets: false })
  const baseDir = await tempDir()
  const command = randomUUID()
  const spool = join(baseDir, '.rouse/spool')
  await mkdir(join(spool, 'junk'), { recursive: true })
  await writeFile(join(spool, `${command}.0`), Buffer.from([2, 0, 0, 0, 99, 65, 66]))
  await writeFile(join(spool, `${command}.result`), '{"result":{"exitCode":0,"sig')
  const held = new WireCommand(master, command)
  master.commands.set(command, held)
  const agent = await startAgent(master, { baseDir })
  const { hello } = master.current
  expect(hello!.commands).toMatchObject([{ id: command, result: { reason: 'lost' } }])
  await waitFor('the result', () => held.dones.length === 1)
  expect(held.text()).toBe('AB')
  await said({ output: () => agent.log.text }, 'junk')
  const other = master.shell('echo goes on')
  expect(await other.done()).toMatchObject({ exitCode: 0 })
})

test('without a master for maxDisconnected a command is ended and reported so', async () => {
  const master = await WireMaster.start({ welcome: { maxDisconnected: 0.3 } })
  await startAgent(master)
  const command = master.shell(`echo $$; trap 'echo bye; exit 9' TERM; sleep 60 & wait`)
  const group = Number(await waitFor('the process id', () => command.text().trim()))
  const { port } = master
  await master.stop()
  await waitFor('the end', () => groupIsGone(group))
  const again = await WireMaster.start({}, port)
  command.moveTo(again)
  await again.connected()
  expect(await command.done()).toMatchObject({ reason: 'disconnected', message: 'no master for 300 ms' })
  expect(command.text()).toBe(`${group}\nbye\n`)
})

test('a gigabyte without a newline passes with little memory, its middle cut; the supervisor ends when it is drained', async () => {
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [master.url] })
  await master.connected()
  const command = master.shell('head -c 1000000000 /dev/zero; echo end', { maxLogSize: 4_000_000 })
  const pid = await supervisorPid(agent.baseDir)
  let peak = 0
  await waitFor(
    'the end',
    () => {
      peak = Math.max(peak, rssOf(pid))
      return command.dones.length > 0
    },
    { timeout: 60_000 },
  )
  expect(peak).toBeLessThan(300_000_000)
  const leftOut = Number(/(\d+) bytes are left out here/.exec(command.text('header'))![1])
  expect(command.bytes().length + leftOut).toBeGreaterThanOrEqual(1_000_000_004 - 200)
  expect(command.bytes().length).toBeLessThanOrEqual(4_000_000)
  expect(command.text().endsWith('\0end\n')).toBe(true)
  agent.drain()
  await waitFor('the drain', () => master.current.count('drain') === 1)
  master.send({ type: 'drained' })
  await agent.ended
  await waitFor('the end of the supervisor', () => !existsSync(`/proc/${pid}`))
  expect(existsSync(join(agent.baseDir, '.rouse/supervisor.lock'))).toBe(false)
})

test('a secret of a command is in no log and in no file of the spool, in whatever pieces it is printed', async () => {
  const master = await WireMaster.start({ acks: false, forgets: false })
  const agent = await startAgent(master)
  const command = master.shell(
    'printf hun; sleep 0.2; echo "ter2-secret"; printf hunter2-secret | base64; printf "x=%s" "hunter2-secret" >&2; exit 1',
    {},
    { mask: ['hunter2-secret'] },
  )
  await command.done()
  expect(command.text('stdout')).toMatch(/^\*\*\*\n\*\*\*.{0,2}=?\n$/)
  expect(command.text('stderr')).toBe('x=***')
  expect(command.text('header')).not.toContain('hunter2')
  const dir = join(agent.baseDir, '.rouse/spool')
  expect(readdirSync(dir)).toContain(`${command.id}.0`)
  for (const name of readdirSync(dir))
    expect(readFileSync(join(dir, name), 'latin1')).not.toContain('hunter2')
})

test('an idle supervisor of another version is replaced, one with commands is kept', async () => {
  const dir = await tempDir()
  const file = join(dir, 'old-agent.mjs')
  await promisify(execFile)(process.execPath, [join(root, 'tools/build-agent.mjs'), file], { cwd: dir })
  const source = await readFile(file, 'utf8')
  await writeFile(file, source.replace(/^(var version = )"[^"]+"/m, '$1"0.0.1-old"'))
  const master = await WireMaster.start()
  const old = await AgentProcess.start(master.url, { argv: [process.execPath, file] })
  const first = await master.connected()
  expect(first.hello!.version).toBe('0.0.1-old')
  const command = master.shell('echo here; until [ -e go ]; do sleep 0.02; done')
  await waitFor('the line', () => command.text() === 'here\n')
  await kill9(old)
  const next = await AgentProcess.start(master.url, { baseDir: old.baseDir })
  const second = await master.connected(2)
  expect(second.hello!.runId).toBe(first.hello!.runId)
  await writeFile(join(old.baseDir, 'builder/0/go'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  await waitFor('the spool', () => readdirSync(join(old.baseDir, '.rouse/spool')).length === 0)
  await kill9(next)
  await AgentProcess.start(master.url, { baseDir: old.baseDir })
  const third = await master.connected(3)
  expect(third.hello!.runId).not.toBe(first.hello!.runId)
  expect(third.hello!.version).not.toBe('0.0.1-old')
})

test('a base dir with a long path works too', async () => {
  const baseDir = join(await tempDir(), 'd'.repeat(100))
  await mkdir(baseDir)
  const master = await WireMaster.start()
  await startAgent(master, { baseDir })
  expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
})

test('a supervisor whose base dir was removed kills what it runs and ends', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const command = master.shell('echo $$; sleep 60')
  const group = Number(await waitFor('the process id', () => command.text().trim()))
  const pid = await agent.supervisorPid()
  await kill9(agent)
  await rm(agent.baseDir, { recursive: true, maxRetries: 5 })
  await waitFor('both to be gone', () => groupIsGone(group) && !existsSync(`/proc/${pid}`))
})
