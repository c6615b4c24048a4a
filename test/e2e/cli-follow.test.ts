import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rouse, type Run } from '../commands/helpers/run-cli.ts'
import { printed as printedBy } from '../helpers/cli-output.ts'
import { bytesOf, endOf, logsOf, readBuild, runBuild, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { sharedMaster } from '../helpers/shared-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = await readFile(new URL('./cli.config.ts', import.meta.url), 'utf8')
const master = sharedMaster({ config, whole: true })

const cli = (...args: string[]) => rouse(args, { cwd: master().dir })
const printed = (...args: string[]) => printedBy(master(), ...args)
const workspaceOf = (builder: string) => join(master().dir, 'rouse-data/workers/local-1', builder, '0')
const lines = (text: string) => text.split('\n').filter((line) => /^line \d+$/.test(line))

describe('force --follow', () => {
  test.each([
    ['good', 0, 'SUCCESS'],
    ['warns', 0, 'WARNINGS'],
    ['bad', 1, 'FAILURE'],
    ['throws', 2, 'EXCEPTION'],
    ['skips', 4, 'SKIPPED'],
  ])('a build of %s: exit code %i, %s', async (builder, code, result) => {
    const { code: exit, out, err } = await printed('force', builder, '--follow')
    expect(exit).toBe(code)
    expect(err).toBe('')
    expect(out).toMatch(new RegExp(`^request r\\d+\nbuild \\d+ of ${builder} on local-1\n`))
    expect(out).toMatch(new RegExp(`\nbuild \\d+ ${result} in [^\n]+\n$`))
  })

  test('a build that is cancelled meanwhile: exit code 3', async () => {
    const run = cli('force', 'lasts', '--follow')
    await run.shows('line 3\n')
    const build = buildIn(run)
    expect(await printed('cancel', build, '--reason', 'not today')).toMatchObject({
      code: 0,
      out: `build ${build} is being cancelled\n`,
    })
    expect(await run.ended()).toBe(3)
    expect(run.out()).toMatch(
      new RegExp(
        `── 1 count: CANCELLED \\(not today\\) after .*\nbuild ${build} CANCELLED in .*: not today\n$`,
      ),
    )
    expect(await printed('cancel', build)).toMatchObject({ code: 0, out: `build ${build} is cancelled\n` })
  })

  test('a request that is cancelled while it waits: exit code 5, and it said why it waits', async () => {
    const run = cli('force', 'nobody', '--follow')
    await run.shows(/^r\d+: waits for a worker: away is not connected \(number 1 in the queue\)\n/m)
    const request = /r\d+/.exec(run.out())![0]
    expect(await printed('cancel', request)).toMatchObject({
      code: 0,
      out: `request ${request} is cancelled\n`,
    })
    expect(await run.ended()).toBe(5)
    expect(run.out()).toBe(`request ${request}\nrequest ${request} ended without a build: CANCELLED\n`)
  })

  test('the whole of it reads like this, and --json gives the same as objects', async () => {
    const args = ['force', 'bad', '--reason', 'to see it', '-p', 'depth:=3', '--branch', 'dev', '--follow']
    const { out } = await printed(...args)
    const timeless = out.replaceAll(/\d+(\.\d+)? m?s\b/g, 'TIME')
    expect(timeless.replaceAll(/(?<=request r|build )\d+/g, 'N')).toBe(
      `request rN
build N of bad on local-1
── 1 break
$ echo before; exit 3
  in ${workspaceOf('bad')} (timeout 20 m TIME)
before
ended with exit code 3 after TIME
── 1 break: FAILURE (exit code 3) after TIME
── 2 after: SKIPPED (an earlier step failed)
── 3 cleanup
$ echo cleaned
  in ${workspaceOf('bad')} (timeout 20 m TIME)
cleaned
ended with exit code 0 after TIME
build N FAILURE in TIME: break: exit code 3
`,
    )
    const run = cli(...args, '--json')
    expect(await run.ended()).toBe(1)
    const objects = run
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, any>)
    const last = objects.at(-1)!
    expect(last).toMatchObject({ type: 'result', result: 'FAILURE' })
    const text = objects
      .filter(({ type }) => type === 'log')
      .map((log) => log.text as string)
      .join('')
    expect(text).toBe((await readBuild(master(), last.build)).text)
    const { properties, reason, source } = await master().api(`/builds/${last.build}`)
    expect({ properties, reason, source }).toMatchObject({
      properties: { depth: 3 },
      reason: 'to see it',
      source: { branch: 'dev' },
    })
  })

  test('an unknown builder: what was meant, exit code 1', async () => {
    expect(await printed('force', 'goood')).toEqual({
      code: 1,
      out: '',
      err: 'error: there is no builder "goood"; did you mean "good"?\n  Run `rouse check` or open the page to see the builders there are.\n  ROUSE_BUILDER_UNKNOWN\n',
    })
    const { code, err } = await printed('force', 'goood', '--json')
    expect({ code, ...(JSON.parse(err) as object) }).toMatchObject({ code: 'ROUSE_BUILDER_UNKNOWN' })
  })
})

describe('logs', () => {
  test('--step gives the bytes of one step, by number and by name', async () => {
    const { id } = await runBuild(master(), 'good', { properties: { who: 'Ada' } })
    for (const [number, name] of [
      [1, 'greet'],
      [2, 'open'],
    ] as const) {
      const [log] = await logsOf(master(), id, number)
      const bytes = (await bytesOf(master(), log!.id)).toString()
      expect(await printed('logs', String(id), '--step', String(number))).toEqual({
        code: 0,
        out: bytes,
        err: '',
      })
      expect(await printed('logs', String(id), '--step', name)).toMatchObject({ out: bytes })
    }
    const { out } = await printed('logs', String(id))
    expect(out).toMatch(
      /^── 1 greet\n[^]*\nto Ada\n[^]*── 2 open\n[^]*\nno end\nended with exit code 0 after .*\n$/,
    )
    expect(await printed('logs', String(id), '--step', 'gret')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`build ${id} has no step "gret"\n  Did you mean "greet"?`),
    })
  })

  test('--follow goes on until the build has ended, without it what is there by now is printed', async () => {
    const { build, request } = await startBuild(master(), 'lasts')
    const run = cli('logs', String(build), '--follow', '--step', 'count')
    await run.shows('line 5\n')
    const now = await printed('logs', String(build))
    expect(lines(now.out).length).toBeGreaterThanOrEqual(5)
    expect(now.code).toBe(0)
    await writeFile(join(workspaceOf('lasts'), 'stop'), '')
    const ended = await endOf(master(), request)
    expect(await run.ended()).toBe(0)
    expect(run.out()).toBe(ended.text)
  })

  test('--follow loses no line and repeats none when the master is killed and started again', async () => {
    const own = await startMaster({ config, whole: true })
    const agent = await own.agent('bot', 'b0t')
    const { build, request } = await startBuild(own, 'remote')
    const follow = rouse(['logs', String(build), '--follow', '--step', '1', '--url', own.url])
    const force = rouse(['rebuild', String(build), '--follow', '--url', own.url])
    await force.shows('request r')
    await follow.shows('line 20\n')
    await own.end('SIGKILL')
    await follow.shows('connection lost, waiting for the master')
    await own.start()
    await follow.shows('the master is back')
    await waitFor('its workspace', () => existsSync(join(agent.baseDir, 'remote/0/started')))
    await writeFile(join(agent.baseDir, 'remote/0/stop'), '')

    expect(await follow.ended()).toBe(0)
    const [log] = await logsOf(own, build)
    expect(follow.out()).toBe((await bytesOf(own, log!.id)).toString())
    expect(lines(follow.out())).toEqual(lines(follow.out()).map((_, i) => `line ${i + 1}`))
    expect(lines(follow.out()).length).toBeGreaterThanOrEqual(20)
    expect(await endOf(own, request)).toMatchObject({ result: 'SUCCESS' })
    // It waited for the same worker all the time.
    expect(await force.ended()).toBe(0)
    expect(force.out()).toMatch(/\nbuild \d+ SUCCESS in .*\n$/)
    expect(force.err().match(/connection lost/g)).toHaveLength(1)
  })
})

function buildIn(run: Run): string {
  return /^build (\d+) of/m.exec(run.out())![1]!
}
