import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess } from './agent-process.ts'
import { startAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

const counted = (lines: number) => Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('')
const until = (file: string) => `until [ -e ${file} ]; do sleep 0.02; done`
const logFiles = [{ name: 'test.log', path: 'build/test.log' }]

/** A workspace that an earlier build has left. */
async function workspaceOf(baseDir: string): Promise<string> {
  const folder = join(baseDir, 'builder/0')
  await mkdir(join(folder, 'build'), { recursive: true })
  return folder
}

test('a file is followed from when it appears to what stands in it at the end', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell(
    `mkdir build; echo out; ${until('go')}; printf 'one\ntw' > build/test.log; ${until('on')}; printf 'o\n' >> build/test.log`,
    { logFiles },
  )
  await waitFor('the first line', () => command.text() === 'out\n')
  const folder = join(agent.baseDir, 'builder/0')
  await writeFile(join(folder, 'go'), '')
  await waitFor('the file', () => command.log(1).text() === 'one\ntw')
  expect(command.dones).toEqual([])
  await writeFile(join(folder, 'on'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect([command.text(), command.log(1).text()]).toEqual(['out\n', 'one\ntwo\n'])
  expect(command.text('header')).toContain('following build/test.log\n')
})

test('a file that is truncated or replaced goes on with what it gets then', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const folder = await workspaceOf(agent.baseDir)
  const command = master.shell(
    `echo first > build/test.log; ${until('1')}; echo 2 > build/test.log; ${until('2')}; mv build/test.log build/old; echo late >> build/old; echo third > build/test.log; ${until('3')}`,
    { logFiles },
  )
  const log = command.log(1)
  await waitFor('the first', () => log.text() === 'first\n')
  await writeFile(join(folder, '1'), '')
  await waitFor('the second', () => log.text() === 'first\n2\n')
  await writeFile(join(folder, '2'), '')
  await waitFor('the third', () => log.text() === 'first\n2\nlate\nthird\n')
  await writeFile(join(folder, '3'), '')
  await command.done()
  expect(log.text()).toBe('first\n2\nlate\nthird\n')
  expect(log.text('header')).toBe('the file was truncated: it goes on from its beginning\n')
})

test('a file of an earlier build is shown only when it changes', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const folder = await workspaceOf(agent.baseDir)
  await writeFile(join(folder, 'build/test.log'), 'of yesterday\n')
  const untouched = master.shell('true', { logFiles })
  await untouched.done()
  expect(untouched.log(1).text()).toBe('')
  expect(untouched.log(1).text('header')).toBe('build/test.log: the command did not write it\n')
  const appended = master.shell('echo of today >> build/test.log', { logFiles })
  await appended.done()
  expect(appended.log(1).text()).toBe('of yesterday\nof today\n')
})

test('nothing outside of the workspace is followed, and nothing that is not a file', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const folder = await workspaceOf(agent.baseDir)
  const secret = join(agent.baseDir, 'password')
  await writeFile(secret, 'hunter2\n')
  await symlink(secret, join(folder, 'link'))
  await symlink(agent.baseDir, join(folder, 'folder'))
  await symlink('build/inside', join(folder, 'within'))
  const paths = ['link', 'folder/password', '../../password', secret, 'build', 'pipe', 'within']
  const command = master.shell(
    'mkfifo pipe; echo fine > build/inside; touch -h link; echo more >> folder/password; touch build',
    {
      logFiles: paths.map((path, i) => ({ name: `log ${i}`, path })),
    },
  )
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  const shown = paths.map((path, i) =>
    command
      .log(i + 1)
      .text('header')
      .replace(`${path}: `, ''),
  )
  const out = 'it leads out of the workspace\n'
  expect(shown).toEqual([out, out, out, out, 'it is not a file\n', 'it is not a file\n', ''])
  expect(paths.map((_, i) => command.log(i + 1).text()).join('')).toBe('fine\n')
})

test('each log has its own limit, and what no log can hold is not read', { timeout: 60_000 }, async () => {
  const master = await WireMaster.start()
  await startAgent(master)
  const command = master.shell(
    'echo head > big; seq 100000 >> big; truncate -s 1000G sparse; echo end >> sparse; seq 100000',
    {
      maxLogSize: 20_000,
      logFiles: [
        { name: 'big', path: 'big' },
        { name: 'sparse', path: 'sparse' },
      ],
    },
  )
  expect(await command.done(50_000)).toMatchObject({ exitCode: 0 })
  for (const log of [command, command.log(1)]) {
    expect(log.length).toBeLessThan(21_000)
    expect(log.text()).toMatch(/\n99999\n100000\n$/)
    expect(log.text('header')).toContain('bytes are left out here\n')
  }
  expect(command.log(2).length).toBeLessThan(21_000)
  expect(command.log(2).text().endsWith('end\n')).toBe(true)
  expect(command.log(2).text('header')).toMatch(/\n10737\d{8} bytes are left out here\n/)
})

test('a secret in a file is masked before it is written anywhere, in whatever pieces it comes', async () => {
  const master = await WireMaster.start({ acks: false })
  const agent = await startAgent(master)
  const folder = await workspaceOf(agent.baseDir)
  const command = master.shell(
    `printf 'a hunt' > build/test.log; ${until('go')}; echo er2 b >> build/test.log`,
    { logFiles },
    { mask: ['hunter2'] },
  )
  await waitFor('the first piece', () => command.log(1).text().startsWith('a'))
  await writeFile(join(folder, 'go'), '')
  await command.done()
  expect(command.log(1).text()).not.toContain('hunt')
  expect(command.log(1).text()).toMatch(/^a \*+ b\n$/)
  const spool = join(agent.baseDir, '.rouse/spool')
  for (const name of readdirSync(spool))
    expect(readFileSync(join(spool, name), 'latin1')).not.toContain('hunter2')
})

test('a command that writes to its file only is not silent', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  await workspaceOf(agent.baseDir)
  const command = master.shell('for i in 1 2 3 4 5 6; do sleep 0.5; echo $i >> build/test.log; done', {
    logFiles,
    timeout: 1.5,
  })
  expect(await command.done()).toMatchObject({ exitCode: 0, reason: null })
  expect(command.log(1).text()).toBe(counted(6))
})

test('all logs of a command together stay within the window, and each gets its turn', async () => {
  const window = 10_000
  const master = await WireMaster.start({ acks: false, welcome: { window } })
  await startAgent(master)
  const command = master.shell('seq 20000 > a; seq 20000 > b; seq 20000', {
    logFiles: [
      { name: 'a', path: 'a' },
      { name: 'b', path: 'b' },
    ],
  })
  const logs = [0, 1, 2].map((n) => command.log(n))
  const underWay = () => logs.reduce((sum, log) => sum + log.length - log.acked, 0)
  while (command.dones.length === 0) {
    const before = underWay()
    await waitFor('more, or the end', () => underWay() > before || command.dones.length > 0)
    expect(underWay()).toBeLessThanOrEqual(window)
    const [least] = logs.filter((log) => log.length > log.acked)
    least?.ack()
  }
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(logs.map((log) => log.text())).toEqual([counted(20_000), counted(20_000), counted(20_000)])
})

test('cut connections lose no byte of any log and repeat none, wherever the master had got to', async () => {
  const master = await WireMaster.start({ acks: false })
  const agent = await startAgent(master)
  const folder = await workspaceOf(agent.baseDir)
  const command = master.shell(
    `i=0; for round in 1 2 3 4; do ${until('$round')}; end=$((i+600)); while [ $i -lt $end ]; do i=$((i+1)); echo $i; echo $i >> build/test.log; done; done`,
    { logFiles },
  )
  const file = command.log(1)
  for (let round = 1; round <= 3; round++) {
    const { acked } = file
    await writeFile(join(folder, String(round)), '')
    await waitFor('more of the file', () => file.length > acked + 1000)
    command.ack(Math.min(command.length, command.acked + 301))
    file.ack(acked + 501)
    master.cut()
    await master.connected(round + 1)
  }
  master.acks = true
  await writeFile(join(folder, '4'), '')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect([command.text(), file.text()]).toEqual([counted(2400), counted(2400)])
})

test(
  'killed connectors lose nothing of a file that grows; with the supervisor it ends where it was read to',
  { timeout: 60_000 },
  async () => {
    const master = await WireMaster.start()
    let agent = await AgentProcess.start(master.url)
    const { baseDir } = agent
    await master.connected()
    const growing = master.shell(
      'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i >> f; [ $((i % 50)) = 0 ] && sleep 0.1; done',
      { logFiles: [{ name: 'f', path: 'f' }] },
    )
    for (let round = 2; round <= 4; round++) {
      const before = growing.log(1).length
      await waitFor('more of the file', () => growing.log(1).length > before || growing.dones.length > 0)
      agent.signal('SIGKILL')
      await agent.ended()
      agent = await AgentProcess.start(master.url, { baseDir })
      await master.connected(round)
    }
    expect(await growing.done(40_000)).toMatchObject({ exitCode: 0 })
    expect(growing.log(1).text()).toBe(counted(3000))

    master.acks = false
    const lost = master.shell('echo out; echo kept > g; sleep 60', { logFiles: [{ name: 'g', path: 'g' }] })
    await waitFor('both', () => lost.text() === 'out\n' && lost.log(1).text() === 'kept\n')
    await agent.killSupervisor()
    await master.connected(5)
    expect(await lost.done()).toMatchObject({ reason: 'lost' })
    expect([lost.text(), lost.log(1).text()]).toEqual(['out\n', 'kept\n'])
    await waitFor('an empty spool', () => readdirSync(join(baseDir, '.rouse/spool')).length === 0)
  },
)
