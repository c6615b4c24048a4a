import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { rouse } from './helpers/run-cli.ts'

test('stop asks the master to end and comes back when it is gone', async () => {
  const { dir, child } = await program({
    script: 'rouse.mjs',
    args: ['start'],
    onTerm: 'setTimeout(() => process.exit(), 700)',
  })
  const exit = once(child, 'exit')
  const run = rouse(['stop'], { cwd: dir })
  expect(await run.ended()).toBe(0)
  expect(await exit).toEqual([0, null])
  expect(run.out()).toBe('the master at http://127.0.0.1:8010 has stopped\n')
  expect(run.err()).toBe(`waiting for process ${child.pid} to stop\n`)

  const again = rouse(['stop'], { cwd: dir })
  expect(await again.ended()).toBe(69)
  expect(again.err()).toContain('no master runs here')
})

test('stop gives up after its timeout and says that the master still runs', async () => {
  const { dir, child } = await program({ script: 'cli.js', args: ['--x', 'start'], onTerm: '' })
  const run = rouse(['stop', '--timeout', '400ms', '--json'], { cwd: dir })
  expect(await run.ended()).toBe(1)
  expect(JSON.parse(run.err()).code).toBe('ROUSE_STOP_TIMEOUT')
  expect(child.exitCode).toBeNull()
})

test('stop leaves a program alone that has got the number of a dead master', async () => {
  const { dir, child } = await program({ script: 'innocent.mjs', args: ['start'], onTerm: 'process.exit(1)' })
  const run = rouse(['stop'], { cwd: dir })
  expect(await run.ended()).toBe(69)
  expect(run.err()).toContain(`the one in ${join(dir, 'rouse-data/master.json')} is gone`)
  expect([child.exitCode, child.signalCode]).toEqual([null, null])
})

test('stop says so when there is no master', async () => {
  const run = rouse(['stop'], { cwd: await tempDir() })
  expect(await run.ended()).toBe(69)
  expect(run.err()).toContain('no master runs here: there is no ')
})

/** A program that is named in a master.json, and does `onTerm` when it gets SIGTERM. */
async function program(o: {
  script: string
  args: string[]
  onTerm: string
}): Promise<{ dir: string; child: ChildProcess }> {
  const dir = await tempDir()
  const script = join(dir, o.script)
  await writeFile(
    script,
    `process.on('SIGTERM', () => { ${o.onTerm} })
     setInterval(() => {}, 1000)
     import('node:fs').then((fs) => fs.writeFileSync(${JSON.stringify(join(dir, 'ready'))}, ''))`,
  )
  const child = spawn(process.execPath, [script, ...o.args], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await waitFor('the program', () => access(join(dir, 'ready')).then(() => true))
  await mkdir(join(dir, 'rouse-data'))
  await writeFile(
    join(dir, 'rouse-data/master.json'),
    JSON.stringify({ url: 'http://127.0.0.1:8010', pid: child.pid }),
  )
  return { dir, child }
}
