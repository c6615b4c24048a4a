import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rouse } from '../commands/helpers/run-cli.ts'
import { cells, printed as printedBy, printedJson } from '../helpers/cli-output.ts'
import { freePort } from '../helpers/free-port.ts'
import { endOf, runBuild, startBuild } from '../helpers/run-build.ts'
import { sharedMaster } from '../helpers/shared-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = await readFile(new URL('./cli.config.ts', import.meta.url), 'utf8')
const master = sharedMaster({ config, whole: true })

const printed = (...args: string[]) => printedBy(master(), ...args)
const json = (...args: string[]) => printedJson(master(), ...args)
const busy = (file: string) => join(master().dir, 'rouse-data/workers/local-2/busy/0', file)

describe('lists', () => {
  test('builds: a table of the newest, by builder and worker, and one with its steps', async () => {
    await runBuild(master(), 'bad')
    const ended = await runBuild(master(), 'bad', { reason: 'for the list' })
    const [head, first, ...more] = cells((await printed('builds', '--builder', 'bad', '--limit', '2')).out)
    expect(head).toEqual(['BUILD', 'BUILDER', 'RESULT', 'WORKER', 'STARTED', 'TOOK', 'REQUEST', 'REASON'])
    expect(first).toEqual([
      String(ended.id),
      'bad',
      'FAILURE',
      'local-1',
      ended.startedAt,
      expect.stringMatching(/ m?s$/),
      `r${ended.requestId}`,
      'for the list',
    ])
    expect(more).toHaveLength(1)
    expect((await printed('builds', '--worker', 'away')).err).toBe('no builds\n')

    const { out } = await printed('builds', String(ended.id))
    expect(out).toMatch(new RegExp(`^build ${ended.id} FAILURE: break: exit code 3\n`))
    expect(out).not.toContain('null')
    expect(cells(out.slice(out.indexOf('STEP')))).toEqual([
      ['STEP', 'NAME', 'RESULT', 'TOOK', 'SUMMARY'],
      ['1', 'break', 'FAILURE', expect.stringMatching(/ m?s$/), 'exit code 3'],
      ['2', 'after', 'SKIPPED', '-', 'an earlier step failed'],
      ['3', 'cleanup', 'SUCCESS', expect.stringMatching(/ m?s$/)],
    ])
    expect(await json('builds', String(ended.id))).toMatchObject({
      id: ended.id,
      steps: [{ name: 'break' }, {}, {}],
    })
    expect((await json('builds', '--limit', '1')).items).toHaveLength(1)
  })

  test('requests: why each waits, in the order of the queue; workers: what each does', async () => {
    const { request: running } = await startBuild(master(), 'busy')
    await waitFor('its command', () => existsSync(busy('started')))
    const [low, high, never] = [
      await master().force('busy'),
      await master().force('busy', { priority: 5 }),
      await master().force('nobody'),
    ]
    const [head, ...rows] = cells((await printed('requests')).out)
    expect(head).toEqual([
      'REQUEST',
      'BUILDER',
      'STATE',
      'PLACE',
      'PRIORITY',
      'SUBMITTED',
      'BUILDS',
      'WAITS FOR',
    ])
    const why = 'waits for a worker: local-2 runs 1 of 1 builds'
    const time = expect.stringMatching(/^20\d\d-.*Z$/) as string
    expect(rows.filter((row) => row[1] === 'busy')).toEqual([
      [`r${high}`, 'busy', 'pending', '1', '5', time, '-', why],
      [`r${low}`, 'busy', 'pending', '2', '0', time, '-', why],
    ])
    expect(rows).toContainEqual([
      `r${never}`,
      'nobody',
      'pending',
      '1',
      '0',
      time,
      '-',
      'waits for a worker: away is not connected',
    ])
    expect((await json('requests')).items).toHaveLength(3)
    expect((await json('requests', '--builder', 'nobody')).items).toMatchObject([{ id: never, position: 1 }])
    expect(
      cells((await printed('requests', '--all', '--limit', '4')).out)
        .slice(1)
        .map(([id]) => id),
    ).toEqual([`r${never}`, `r${high}`, `r${low}`, `r${running}`])

    expect(cells((await printed('workers')).out).map((row) => row.toSpliced(4, 1))).toEqual([
      ['WORKER', 'KIND', 'CONNECTED', 'BUILDS', 'STATUS'],
      ['local-1', 'local', 'yes', '0 of 4', 'is idle'],
      ['local-2', 'local', 'yes', '1 of 1', 'runs 1 of 1 builds'],
      ['bot', 'static', 'no', '0 of 1', 'is not connected'],
      ['away', 'static', 'no', '0 of 1', 'is not connected'],
    ])
    expect((await json('workers')).items).toHaveLength(4)

    for (const id of [low, high, never]) expect((await printed('cancel', `r${id}`)).code).toBe(0)
    expect(await printed('requests')).toEqual({ code: 0, out: '', err: 'nothing waits\n' })
    await writeFile(busy('stop'), '')
    expect(await endOf(master(), running)).toMatchObject({ result: 'SUCCESS' })
  })

  test('rebuild: the same again, with the same properties; cancel and rebuild answer in JSON too', async () => {
    const { id } = await runBuild(master(), 'good', { properties: { who: 'Grace' } })
    const { code, out } = await printed('rebuild', String(id), '--follow')
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('\nto Grace\n') })
    const { requestIds } = await json('rebuild', String(id))
    const again = await endOf(master(), requestIds[0])
    expect(again).toMatchObject({ result: 'SUCCESS', properties: { who: 'Grace' } })
    expect(await json('cancel', String(again.id))).toMatchObject({ id: again.id, result: 'SUCCESS' })
    expect((await printed('cancel', `r${again.requestId}`)).out).toBe(
      `request r${again.requestId} has already ended: SUCCESS\n`,
    )
    expect(await json('cancel', `r${again.requestId}`)).toMatchObject({ id: again.requestId })
    expect(await json('force', 'good')).toEqual({
      buildsetId: expect.any(Number),
      requestIds: [expect.any(Number)],
    })
  })
})

describe('what goes wrong', () => {
  test.each([
    [['builds', '99999'], 1, 'ROUSE_BUILD_UNKNOWN'],
    [['logs', '99999', '--follow'], 1, 'ROUSE_BUILD_UNKNOWN'],
    [['cancel', '99999'], 1, 'ROUSE_BUILD_UNKNOWN'],
    [['cancel', 'r99999'], 1, 'ROUSE_REQUEST_UNKNOWN'],
    [['rebuild', '99999'], 1, 'ROUSE_BUILD_UNKNOWN'],
    [['cancel', 'x17'], 64, 'ROUSE_USAGE'],
    [['force'], 64, 'ROUSE_USAGE'],
    [['biulds'], 64, 'ROUSE_USAGE'],
  ])('rouse %j: exit code %i, %s', async (args, code, name) => {
    const { code: exit, err, out } = await printed(...args)
    expect({ exit, out, last: err.trimEnd().split('\n').at(-1)!.trim() }).toEqual({
      exit: code,
      out: '',
      last: name,
    })
    const { err: object } = await printed(...args, '--json')
    expect(JSON.parse(object)).toEqual({
      code: name,
      message: expect.any(String),
      advice: expect.any(String),
    })
  })

  test.each(['builds', 'force good --follow', 'logs 1 --follow', 'workers'])(
    'no master answers rouse %s: exit code 69',
    async (command) => {
      const url = `http://127.0.0.1:${await freePort()}`
      const { code, err, out } = await printed(...command.split(' '), '--url', url)
      expect({ code, out }).toEqual({ code: 69, out: '' })
      expect(err).toContain(`no master answers at ${url}`)
      expect(err).toContain('rouse start')
    },
  )

  test('check: all that is wrong with a config at once, with path and advice, and no master is needed', async () => {
    const cwd = await tempDir()
    const broken = `
import { defineMaster, git, localWorker, shell } from '${new URL('../../src/index.ts', import.meta.url).href}'
export default defineMaster({
  workers: [localWorker('local-1', { maxBuilds: 0 })],
  builders: [{ name: 'unit', workers: ['loacl-1'], steps: [
    shell('make', { timeot: '1m', decodeRC: { 2: 'WARN' } }),
    git({ repo: '.', clean: 'everything', retry: { count: -1 } }),
    'npm test',
  ] }],
})`
    await writeFile(join(cwd, 'master.config.ts'), broken)
    const run = rouse(['check'], { cwd })
    expect(await run.ended()).toBe(1)
    for (const mistake of [
      'workers[0].maxBuilds must be a positive integer, got 0',
      'builder "unit" names worker "loacl-1"; did you mean "local-1"?',
      'step "make": unknown option "timeot"; did you mean "timeout"?',
      'step "make": decodeRC: 2 must give one of SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED',
      'step "git": clean: must be one of all, untracked, none',
      'step "git": retry.count: must be an integer of 0 or more',
      'did you mean shell("npm test")?',
    ])
      expect(run.out()).toContain(mistake)
    expect(run.out()).toMatch(/\n7 errors, 1 warning\n$/)
    const asJson = rouse(['check', '--json'], { cwd })
    expect(await asJson.ended()).toBe(1)
    expect(JSON.parse(asJson.out())).toMatchObject({ ok: false, problems: expect.any(Array) })
    expect(await printed('check')).toMatchObject({
      code: 0,
      out: 'master.config.ts is right: 4 workers, 9 builders\n',
    })
  })

  test('stop: the master ends in order, and after that there is none to talk to', async () => {
    const { dir, url } = master()
    const follow = rouse(['force', 'lasts', '--follow'], { cwd: dir })
    await follow.shows('line 1\n')
    expect(await printed('stop')).toMatchObject({ code: 0, out: `the master at ${url} has stopped\n` })
    await follow.shows('connection lost, waiting for the master')
    follow.kill('SIGINT')
    expect(await follow.ended()).toBe(130)
    expect(existsSync(join(dir, 'rouse-data/master.json'))).toBe(false)
    expect(await printed('stop')).toMatchObject({
      code: 69,
      err: expect.stringContaining('no master runs here'),
    })
    expect(await printed('builds', '--url', url)).toMatchObject({ code: 69 })
  })
})
