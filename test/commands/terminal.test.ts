import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { fakeMaster, type FakeMaster } from './helpers/fake-master.ts'
import { cli, type Run, runProgram } from './helpers/run-cli.ts'

// A terminal for a program is made by `script` of util-linux.
const noTerminal = spawnSync('script', ['--version']).status !== 0
const skipped = noTerminal ? ' (skipped: this machine has no `script`)' : ''

test.skipIf(noTerminal)(
  `a hostile log cannot command the terminal, and its colours are kept${skipped}`,
  async () => {
    const master = await fakeMaster()
    const build = master.addBuild(master.addRequest())
    const { step, log } = master.addStep(build, 'evil \x1b]0;x\x07')
    master.grow(log, '\x1b[32mgreen\x1b]0;owned\x07\x1b[2J')
    master.finishStep(step, 'SUCCESS')
    master.finishBuild(build, 'SUCCESS')
    const run = terminal(master, ['logs', '17'])
    expect(await run.ended()).toBe(0)
    expect(run.out()).toBe('\x1b[2m── 0 evil ^[]0;x^G\x1b[22m\r\n' + '\x1b[32mgreen^[]0;owned^G^[[2J\x1b[0m')
  },
)

test.skipIf(noTerminal)(
  `waiting is shown in one line that is rewritten and goes away${skipped}`,
  async () => {
    const master = await fakeMaster()
    const run = terminal(master, ['force', 'unit', '--follow'])
    await run.shows(
      /\r\x1b\[K\x1b\[2mr12: waits for a worker: bot is not connected \(number 1 in the queue\) · /,
    )
    master.finishBuild(master.addBuild(master.requests[0]!), 'FAILURE')
    expect(await run.ended()).toBe(1)
    expect(run.out()).toContain('\r\x1b[Kbuild 17 of unit on bot\r\n')
    expect(run.out()).toContain('\x1b[31mbuild 17 FAILURE in 4.0 s\x1b[39m\r\n')
  },
)

test.skipIf(noTerminal)(
  `a table is cut to the terminal, with colours and relative times${skipped}`,
  async () => {
    const master = await fakeMaster()
    master.finishBuild(master.addBuild(master.addRequest({ reason: 'long '.repeat(50) })), 'SUCCESS')
    const run = terminal(master, ['builds'])
    expect(await run.ended()).toBe(0)
    const line = run.out().split('\r\n')[1]!
    expect(line).toMatch(/17 {2}unit +\x1b\[32mSUCCESS\x1b\[39m {2}bot +\d+ d ago +4\.0 s {2}r12 +long.*…$/)
    expect(line.replaceAll(/\x1b\[\d+m/g, '')).toHaveLength(80)

    const plain = terminal(master, ['builds', '--no-color'])
    expect(await plain.ended()).toBe(0)
    expect(plain.out()).not.toContain('\x1b')
  },
)

/** Runs `rouse` on a terminal of 80 columns. */
function terminal(master: FakeMaster, args: readonly string[]): Run {
  const words = [process.execPath, ...cli, ...args].map((word) => `'${word}'`).join(' ')
  const env = { ROUSE_URL: master.url, TERM: 'xterm', COLUMNS: '80' }
  return runProgram('script', ['-qefc', `stty cols 80; exec ${words}`, '/dev/null'], { env })
}
