import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess, fromSource, root } from './agent-process.ts'
import { groupIsGone } from './processes.ts'
import { startAgent } from './run-test-agent.ts'
import type { WireCommand } from './wire-command.ts'
import { WireMaster } from './wire-master.ts'

const asRouseWorker = [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker']

async function pidOf(command: WireCommand): Promise<number> {
  return Number(await waitFor('the process id', () => /^(\d+)\n/.exec(command.text())?.[1]))
}

test.each([
  ['the agent', fromSource],
  ['rouse worker', asRouseWorker],
])('%s finishes what runs after one SIGTERM, then ends with 0', async (_, argv) => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url, { argv })
  await master.connected()
  const command = master.shell('echo $$; until [ -e go ]; do sleep 0.02; done; echo finished')
  await pidOf(command)
  agent.signal('SIGTERM')
  await waitFor('the drain', () => master.current.messages.find(({ type }) => type === 'drain'))
  expect(master.current.messages.at(-1)).toEqual({ type: 'drain', cancel: false })
  await writeFile(join(agent.baseDir, 'builder/0/go'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  master.send({ type: 'drained' })
  expect(await agent.ended()).toBe(0)
  expect(command.text()).toContain('finished\n')
  expect(agent.output).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}ending after the running builds/m)
})

test('an agent that is told to end twice asks to cancel what runs, then ends with 0', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const command = master.shell('echo $$; sleep 60')
  const group = await pidOf(command)
  agent.signal('SIGINT')
  await waitFor('the drain', () => master.current.count('drain') === 1)
  agent.signal('SIGTERM')
  await waitFor('the second drain', () => master.current.count('drain') === 2)
  expect(master.current.messages.at(-1)).toEqual({ type: 'drain', cancel: true })
  command.cancel('the agent ends')
  expect(await command.done()).toMatchObject({ reason: 'cancelled' })
  master.send({ type: 'drained' })
  expect(await agent.ended()).toBe(0)
  expect(groupIsGone(group)).toBe(true)
})

test('an agent that is told to end three times kills what runs and ends with 1', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const group = await pidOf(master.shell(`trap '' TERM; echo $$; while :; do sleep 1; done`))
  for (let drains = 1; drains <= 2; drains++) {
    agent.signal('SIGTERM')
    await waitFor('the drain', () => master.current.count('drain') === drains)
  }
  agent.signal('SIGTERM')
  expect(await agent.ended()).toBe(1)
  await waitFor('the command to be gone', () => groupIsGone(group))
})

test('what a killed agent left running is killed by the next one before its hello', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const running = master.shell('echo $$; sleep 60')
  const group = await pidOf(running)
  const server = master.shell('sleep 60 > /dev/null 2>&1 & echo $$')
  await server.done()
  const left = await pidOf(server)
  const spooled = () => readdir(join(agent.baseDir, '.rouse/spool'))
  await waitFor(
    'its end to be forgotten',
    async () => !(await spooled()).some((name) => name.startsWith(server.id)),
  )
  await agent.killSupervisor()
  agent.signal('SIGKILL')
  await agent.ended()
  expect([groupIsGone(group), groupIsGone(left)]).toEqual([false, false])
  const next = await startAgent(master, { baseDir: agent.baseDir })
  await master.connected(2)
  await waitFor('both to be gone', () => groupIsGone(group) && groupIsGone(left))
  await waitFor('word of it', () => next.log.text.match(/killed what was left of command/g)?.length === 2)
  expect(master.current.hello!.commands).toMatchObject([{ id: running.id, result: { reason: 'lost' } }])
  expect(master.current.hello!.runId).not.toBe(master.connections[0]!.hello!.runId)
  expect(await readdir(join(agent.baseDir, '.rouse/commands'))).toEqual([])
})

test('a stranger that got the process id of a dead command is left alone', async () => {
  const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  onTestFinished(() => void stranger.kill('SIGKILL'))
  const baseDir = await tempDir()
  const commands = join(baseDir, '.rouse/commands')
  await mkdir(commands, { recursive: true })
  const record = { command: 'x', pid: stranger.pid, identity: 'some boot:1234' }
  await writeFile(join(commands, 'x.json'), JSON.stringify(record))
  await writeFile(join(commands, 'y.json'), JSON.stringify({ ...record, pid: -1 }))
  await writeFile(join(commands, 'z.json'), '{"command":')
  await startAgent(await WireMaster.start(), { baseDir })
  expect(groupIsGone(stranger.pid!)).toBe(false)
  expect(await readdir(commands)).toEqual([])
  stranger.kill('SIGKILL')
  await once(stranger, 'exit')
})

test('a second agent on the same base dir ends with an error that names the first', async () => {
  const master = await WireMaster.start()
  const agent = await AgentProcess.start(master.url)
  await master.connected()
  const second = await AgentProcess.start(master.url, { baseDir: agent.baseDir })
  expect(await second.ended()).toBe(1)
  expect(second.output).toContain('ROUSE_AGENT_BASE_DIR_IN_USE')
  expect(second.output).toContain(`process ${agent.child.pid}`)
  expect(master.connections).toHaveLength(1)
})

test.each([
  ['the agent', fromSource],
  ['rouse worker', asRouseWorker],
])('%s explains wrong usage and ends with 64', async (_, argv) => {
  const dir = await tempDir()
  const run = async (...args: string[]) => {
    const process = new AgentProcess([...argv, ...args], dir)
    return [await process.ended(), process.output]
  }
  expect(await run()).toEqual([64, expect.stringContaining('--master is missing')])
  expect(await run('--frobnicate')).toEqual([64, expect.stringContaining('--frobnicate')])
  const master = ['--master', 'ci.example', '--password-file', 'x']
  expect(await run(...master)).toEqual([64, expect.stringContaining('--name is missing')])
  expect(await run(...master, '--name', 'a:b')).toEqual([64, expect.stringContaining('"a:b"')])
  expect(await run(...master, '--name', 'a')).toEqual([
    1,
    expect.stringContaining('ROUSE_WORKER_PASSWORD_FILE'),
  ])
  await writeFile(join(dir, 'x'), '\n')
  expect(await run(...master, '--name', 'a')).toEqual([1, expect.stringContaining('is empty')])
  await writeFile(join(dir, 'x'), 'secret')
  await chmod(join(dir, 'x'), 0o644)
  const [code, output] = await run(...master, '--name', 'a')
  expect(code).toBe(64)
  expect(output).toContain('"ci.example" is not the address of a master')
  expect(output).toContain('others can read the password')
  expect(output).not.toContain('secret')
  expect(await run('--help')).toEqual([0, expect.stringContaining('--password-file')])
})

const node20 = await findNode20()
const needsNode20 = node20 ? '' : ' (needs Node.js 20: not on PATH, and ROUSE_TEST_NODE20 is not set)'

test.skipIf(!node20)(
  `the bundled agent is one small file that runs builds on Node.js 20${needsNode20}`,
  async () => {
    const dir = await tempDir()
    const file = join(dir, 'rouse-agent.mjs')
    await promisify(execFile)(process.execPath, [join(root, 'tools/build-agent.mjs'), file], { cwd: dir })
    expect((await stat(file)).size).toBeLessThan(1_000_000)
    const master = await WireMaster.start()
    const agent = await AgentProcess.start(master.url, { argv: [node20!, file] })
    await master.connected()
    expect(master.current.hello!.facts.node).toMatch(/^v20\./)
    expect(master.current.hello!.version).not.toBe('0.0.0')
    const command = master.shell('seq 1 100000; printf "\\377\\000" >&2; exit 3')
    expect(await command.done()).toMatchObject({ exitCode: 3 })
    expect(command.text('stdout').split('\n')).toHaveLength(100_001)
    expect([...command.bytes('stderr')]).toEqual([0xff, 0])
    expect(command.frames.some(({ codec }) => codec === 'deflate')).toBe(true)
    expect(await master.run({ op: 'glob', pattern: '**/*.txt' }).done()).toMatchObject({
      exitCode: 0,
      data: [],
    })
    agent.signal('SIGTERM')
    await waitFor('the drain', () => master.current.count('drain') === 1)
    master.send({ type: 'drained' })
    expect(await agent.ended()).toBe(0)
  },
)

async function findNode20(): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  for (const node of [
    process.env.ROUSE_TEST_NODE20 ?? '',
    ...folders.map((folder) => join(folder, 'node')),
  ]) {
    const found = await access(node)
      .then(() => promisify(execFile)(node, ['--version'], { timeout: 10_000 }))
      .catch(() => undefined)
    if (found?.stdout.startsWith('v20.')) return node
  }
  return undefined
}
