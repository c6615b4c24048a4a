import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess } from './agent-process.ts'
import { WireMaster } from './wire-master.ts'

/** A base dir whose spool is a disk of one megabyte; skips where no file system can be mounted. */
async function smallDisk(
  skip: TestContext['skip'],
  spoolOnly: boolean,
): Promise<{ baseDir: string; disk: string }> {
  if (process.getuid?.() !== 0) skip('needs root, to mount a small file system')
  const baseDir = await tempDir()
  const disk = spoolOnly ? join(baseDir, '.rouse/spool') : baseDir
  await mkdir(disk, { recursive: true, mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    skip(`cannot mount a tmpfs: ${String((error as { stderr?: unknown }).stderr).trim()}`)
  }
  onTestFinished(() => void execFileSync('umount', ['-l', disk]))
  return { baseDir, disk }
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `line ${i + 1} of the output\n`).join('')
const printing = (count: number) =>
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i of the output"; done`

test(
  'a command that prints more than the disk holds waits while the master is away, and loses nothing',
  { timeout: 120_000 },
  async ({ skip }) => {
    const { baseDir, disk } = await smallDisk(skip, true)
    const master = await WireMaster.start()
    const agent = await AgentProcess.start(master.url, { baseDir })
    await master.connected()
    const { runId } = master.current.hello!
    const pid = await agent.supervisorPid()
    const command = master.shell(`echo begun; until [ -e go ]; do sleep 0.02; done; ${printing(100_000)}`)
    await waitFor('the first line', () => command.text() === 'begun\n')
    const { port } = master
    await master.stop()
    await writeFile(join(baseDir, 'builder/0/go'), '')
    const free = () =>
      Number(execFileSync('df', ['--output=avail', '-B1', disk]).toString().trim().split('\n').at(-1))
    // What is full for less than a second is not worth a line.
    let [left, since] = [Infinity, 0]
    const stuck = () => {
      if (free() < left) [left, since] = [free(), performance.now()]
      return left < 100_000 && performance.now() - since > 1500
    }
    await waitFor('a full disk', stuck, { timeout: 60_000, interval: 50 })

    const again = await WireMaster.start({}, port)
    command.moveTo(again)
    await again.connected()
    expect(again.current.hello!.runId).toBe(runId)
    expect(await command.done(60_000)).toMatchObject({ exitCode: 0, reason: null })
    expect(command.text()).toBe(`begun\n${lines(100_000)}`)
    expect(command.text('header')).toMatch(/the agent's disk was full for \d+ s: this waited\n/)
    expect(await agent.supervisorPid()).toBe(pid)
    const next = again.shell('echo fine')
    expect(await next.done()).toMatchObject({ exitCode: 0 })
    expect(next.text()).toBe('fine\n')
  },
)

test(
  'on a disk that others have filled commands wait or say why they cannot start, and go on when there is room',
  { timeout: 120_000 },
  async ({ skip }) => {
    const { baseDir, disk } = await smallDisk(skip, false)
    const master = await WireMaster.start()
    const agent = await AgentProcess.start(master.url, { baseDir })
    await master.connected()
    const pid = await agent.supervisorPid()
    const running = master.shell(`echo begun; until [ -e go ]; do sleep 0.02; done; ${printing(5000)}`)
    await waitFor('the first line', () => running.text() === 'begun\n')
    await writeFile(join(baseDir, 'builder/0/go2'), '')
    fill(disk)
    // Renaming takes no room.
    execFileSync('mv', [join(baseDir, 'builder/0/go2'), join(baseDir, 'builder/0/go')])
    const hindered = master.run(
      {
        op: 'shell',
        command: 'echo it ran',
        workdir: 'new/folder',
        env: {},
        timeout: 0,
        maxTime: 0,
        grace: 5,
      },
      'builder/1',
    )
    expect(await hindered.done()).toMatchObject({
      exitCode: null,
      reason: 'notStarted',
      message: expect.stringContaining('ENOSPC'),
    })
    expect(hindered.text('header')).toContain('not started: ENOSPC')
    // What a connected master takes at once may pass through memory; its disk is full all the same.
    rmSync(join(disk, 'filler'))
    expect(await running.done(60_000)).toMatchObject({ exitCode: 0, reason: null })
    expect(running.text()).toBe(`begun\n${lines(5000)}`)
    expect(await agent.supervisorPid()).toBe(pid)
    const next = master.shell('echo fine')
    expect(await next.done()).toMatchObject({ exitCode: 0 })
    expect(next.text()).toBe('fine\n')
  },
)

function fill(disk: string): void {
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(4_000_000))
    throw new Error('the disk is larger than it should be')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
