import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from '../helpers/wait-for.ts'
import { groupIsGone } from './processes.ts'
import { startAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

test('a command runs in its workspace and says what it ran, where, and how it ended', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell('pwd; echo oops >&2; exit 3', {
    workdir: 'src',
    timeout: 1200,
    env: { TOKEN: 'hunter2', HOME: null },
  })
  expect(await command.done()).toEqual({ exitCode: 3, signal: null, reason: null })
  const dir = join(agent.baseDir, 'builder/0/src')
  expect(command.text('stdout')).toBe(`${dir}\n`)
  expect(command.text('stderr')).toBe('oops\n')
  expect(command.text('header')).toMatch(
    new RegExp(
      `^\\$ pwd; echo oops >&2; exit 3\n  in ${dir} \\(timeout 20 m 0 s\\)\n  with TOKEN\n  without HOME\nended with exit code 3 after .*s\n$`,
    ),
  )
  expect(command.runs()[0]![0]).toBe('header')
  expect(command.runs().at(-1)![0]).toBe('header')
})

test('an argument vector runs without a shell', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(['printf', '%s|', 'a b', '$HOME', "it's"])
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text()).toBe("a b|$HOME|it's|")
  expect(command.text('header')).toContain(`$ printf '%s|' 'a b' '$HOME' 'it'\\''s'\n`)
})

test('every byte arrives as it was written, be it NUL, invalid UTF-8 or a megabyte without a newline', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const bytes = Buffer.alloc(1_200_000)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 8) * 13) % 256
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) bytes[i] = 0
  await mkdir(join(agent.baseDir, 'builder/0'), { recursive: true })
  await writeFile(join(agent.baseDir, 'builder/0/blob'), bytes)
  const command = master.shell('cat blob; printf "\\377\\000\\n" >&2')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.bytes('stdout').equals(bytes)).toBe(true)
  expect([...command.bytes('stderr')]).toEqual([0xff, 0, 10])
  expect(command.frames.length).toBeGreaterThan(4)
})

test('stdout and stderr keep the order in which they were written', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  // Each line waits until the one before has arrived here.
  const command = master.shell(
    'echo one; until [ -e 1 ]; do sleep 0.02; done; echo two >&2; until [ -e 2 ]; do sleep 0.02; done; echo three',
  )
  await waitFor('one', () => command.text().includes('one'))
  await master.shell('touch 1').done()
  await waitFor('two', () => command.text().includes('two'))
  await master.shell('touch 2').done()
  await command.done()
  expect(command.runs().slice(1, -1)).toEqual([
    ['stdout', 'one\n'],
    ['stderr', 'two\n'],
    ['stdout', 'three\n'],
  ])
})

test('a command can open /dev/stdout and /dev/stderr again, and a header begins on a line of its own', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell('echo out > /dev/stdout; echo err > /dev/stderr; echo both | tee /dev/stderr')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text('stdout')).toBe('out\nboth\n')
  expect(command.text('stderr')).toBe('err\nboth\n')
  const open = master.shell('printf end')
  expect(await open.done()).toMatchObject({ exitCode: 0 })
  expect(open.text('header')).toContain('\n\nended with exit code 0')
})

test('input reaches the command; without it there is none, and unread input is harmless', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const input = 'x'.repeat(300_000)
  const reads = master.shell('cat; wc -c < /dev/stdin', { stdin: input })
  const ignores = master.shell('exit 0', { stdin: input })
  const empty = master.shell('wc -c')
  expect([await reads.done(), await ignores.done(), await empty.done()]).toMatchObject(
    Array(3).fill({ exitCode: 0 }),
  )
  expect(reads.text()).toBe(`${input}300000\n`)
  expect(empty.text().trim()).toBe('0')
})

test('input that holds a secret is in memory and never on a disk, and is harmless unread', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const secret = 'hunter2-secret'
  const mask = [secret]
  const input = `${'x'.repeat(300_000)}${secret}`
  const where = master.shell('readlink /proc/self/fd/0; wc -c < /dev/stdin', { stdin: secret }, { mask })
  const reads = master.shell('cat', { stdin: input }, { mask })
  const ignores = master.shell('exit 0', { stdin: input }, { mask })
  const missing = master.shell('true', { stdin: input, command: ['/no/such/program'] }, { mask })
  expect(await Promise.all([where, reads, ignores].map((c) => c.done()))).toMatchObject(
    Array(3).fill({ exitCode: 0 }),
  )
  expect(await missing.done()).toMatchObject({ reason: 'notStarted' })
  expect(where.text('stdout')).toMatch(/^\/dev\/shm\/.* \(deleted\)\n14\n$/)
  expect(reads.text('stdout')).toBe(`${'x'.repeat(300_000)}***`)
})

test('a silent command is ended by its timeout, a long one by its maxTime, and both say so', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const silent = master.shell('sleep 60', { timeout: 0.2 })
  const long = master.shell('while :; do echo tick; sleep 0.05; done', { timeout: 30, maxTime: 0.4 })
  expect(await silent.done()).toEqual({
    exitCode: null,
    signal: 'SIGTERM',
    reason: 'timeout',
    message: 'silent for 200 ms',
  })
  expect(await long.done()).toMatchObject({ signal: 'SIGTERM', reason: 'maxTime', message: 'ran for 400 ms' })
  expect(long.text()).toContain('tick\n')
  expect(silent.text('header')).toContain('silent for 200 ms: ending it\nended by SIGTERM (timeout) after')
})

test('a command that ignores SIGTERM is killed after its grace, with its whole process group', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(
    `trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 1; done' & echo $$; wait`,
    { grace: 0.2 },
  )
  const pid = Number(await waitFor('the process id', () => command.text().trim()))
  command.cancel('changed my mind')
  expect(await command.done()).toEqual({
    exitCode: null,
    signal: 'SIGKILL',
    reason: 'cancelled',
    message: 'changed my mind',
  })
  expect(groupIsGone(pid)).toBe(true)
  expect(command.text('header')).toContain('still there 200 ms after SIGTERM: killing it\n')
})

test('a command that obeys SIGTERM may still say goodbye, and what it started is ended before it counts as done', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(`trap 'echo bye; exit 7' TERM; (trap '' TERM; sleep 60) & echo $$; wait`, {
    grace: 0.3,
  })
  const pid = Number(await waitFor('the process id', () => command.text().trim()))
  command.cancel()
  expect(await command.done()).toMatchObject({ exitCode: 7, reason: 'cancelled' })
  expect(command.text()).toBe(`${pid}\nbye\n`)
  expect(groupIsGone(pid)).toBe(true)
})

test('processes left in the background that hold the output are killed, and the log says so', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell('sleep 60 & echo $$')
  expect(await command.done()).toEqual({ exitCode: 0, signal: null, reason: null })
  await waitFor('the background process to be gone', () => groupIsGone(Number(command.text())))
  expect(command.text('header')).toContain('it left processes behind that hold its output: killing them\n')
})

test('a daemon that left the process group and holds the output does not hold up the command', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(
    `setsid sh -c 'echo $$ > pid; exec sleep 60' & until [ -s pid ]; do sleep 0.02; done; cat pid`,
  )
  expect(await command.done()).toMatchObject({ exitCode: 0, reason: null })
  const daemon = Number(command.text())
  expect(groupIsGone(daemon)).toBe(false)
  process.kill(daemon, 'SIGKILL')
})

test('a server left in the background with its output elsewhere goes on until the agent ends', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell('sleep 60 > /dev/null 2>&1 & echo $$')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  const group = Number(command.text())
  expect(groupIsGone(group)).toBe(false)
  agent.drain()
  await waitFor('the drain', () => master.current.count('drain') === 1)
  master.send({ type: 'drained' })
  await agent.ended
  await waitFor('the server to be gone', () => groupIsGone(group))
})

test('what cannot be started ends as notStarted, with a reason and without harm to the agent', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  await mkdir(join(agent.baseDir, 'builder/0'), { recursive: true })
  await writeFile(join(agent.baseDir, 'builder/0/file'), 'not a program')
  const results = await Promise.all(
    [
      master.shell(['no-such-program']),
      master.shell(['./file']),
      master.shell('true', { workdir: 'file/below' }),
      master.shell('true', { workdir: '../../elsewhere' }),
      master.shell(['echo', 'a\0b']),
      master.shell('true', { env: { 'A=B': 'x' } }),
      master.run({ op: 'mkdir', path: 'x' }, '../outside'),
      master.run({ op: 'mkdir', path: 'x' }, '.rouse/commands'),
    ].map((command) => command.done()),
  )
  expect(results.map(({ reason }) => reason)).toEqual(Array(8).fill('notStarted'))
  expect(results.map(({ message }) => message)).toEqual([
    expect.stringContaining('no-such-program: no such program'),
    expect.stringContaining('./file: not allowed to run it'),
    expect.stringContaining('ENOTDIR'),
    expect.stringContaining('leads out of the workspace'),
    expect.stringContaining('null bytes'),
    expect.stringContaining('"A=B" cannot name'),
    expect.stringContaining('is not a workspace'),
    expect.stringContaining('is not a workspace'),
  ])
  expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
})

test('a command sees the allow-listed environment and what it was given, and nothing else', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(['env'], { env: { CC: 'clang', LANG: 'C', SHELL: null } })
  await command.done()
  const env = new Map(
    command
      .text()
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2) as [string, string]),
  )
  expect(env.get('CC')).toBe('clang')
  expect(env.get('LANG')).toBe('C')
  expect(env.get('ROUSE_COMMAND_ID')).toBe(command.id)
  const allowed = new Set(['PATH', 'HOME', 'USER', 'LANG', 'TMPDIR', 'TZ', 'CC', 'ROUSE_COMMAND_ID'])
  expect([...env.keys()].filter((name) => !allowed.has(name))).toEqual([])
})

test('a command that is cancelled before it began, or sent twice, runs at most once', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const twice = master.shell('echo ran >> count; sleep 0.1')
  master.send({
    type: 'run',
    command: twice.id,
    workspace: 'builder/0',
    operation: { op: 'mkdir', path: 'other' },
  })
  const early = master.shell('touch never; sleep 60')
  early.cancel()
  expect(await twice.done()).toMatchObject({ exitCode: 0 })
  expect(await early.done()).toMatchObject({ reason: 'cancelled' })
  expect(await readFile(join(agent.baseDir, 'builder/0/count'), 'utf8')).toBe('ran\n')
})

test('one line written by a quiet command arrives while the command still runs', async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell('echo ready; sleep 60', { grace: 0 })
  await waitFor('the line', () => command.text() === 'ready\n')
  expect(command.dones).toEqual([])
  command.cancel()
  expect(await command.done()).toMatchObject({ signal: 'SIGKILL', reason: 'cancelled' })
})
