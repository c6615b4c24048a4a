import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { groupIsGone } from '../agent/processes.ts'
import { bytesOf, endOf, linesOf, logsOf, runBuild, startBuild } from '../helpers/run-build.ts'
import { sharedMaster } from '../helpers/shared-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = await readFile(new URL('./shell-step.config.ts', import.meta.url), 'utf8')
const master = sharedMaster({ config, whole: true }, (started) => started.agent('bot', 'b0t'))

const run = (builder: string, properties: object = {}) => runBuild(master(), builder, { properties })
const inWorkspace = (builder: string, file: string) => join(master().dir, `agent-bot/${builder}/0`, file)
const outputOf = async (build: number) =>
  (await bytesOf(master(), (await logsOf(master(), build))[0]!.id, 'stdout')).toString()

describe('what a command gets', () => {
  test('the words of an array arrive as they are, computed and interpolated ones too', async () => {
    const { id, result } = await run('argv', { who: '$(id); `id` "%"' })
    expect(result).toBe('SUCCESS')
    expect(await outputOf(id)).toBe(
      `<a b><><$HOME><*><it's "so"><new\nline><$(id); \`id\` "%"><$(id); \`id\` "%" %>`,
    )
  })

  test('a string runs through the shell', async () => {
    expect(await outputOf((await run('string')).id)).toBe('ONE  TWO\nhome\n')
  })

  test('the environment is that of worker, builder and step, the later over the earlier, and null removes a name', async () => {
    const env = (await outputOf((await run('environment', { who: 'Ada' })).id)).split('\n')
    expect(env).toEqual(
      expect.arrayContaining([
        'FROM_WORKER=worker',
        'FROM_BUILDER=builder',
        'FROM_STEP=step',
        'CHANGED=by step',
        'UNTOUCHED=as it was',
        'COMPUTED=Ada',
        'INTERPOLATED=Ada-default',
        'MULTILINE=a=b',
        'c',
        'UNICODE=grüße ☀',
      ]),
    )
    expect(env.filter((line) => /^(REMOVED|HOME)=/.test(line))).toEqual([])
    expect(await outputOf((await run('environmentOfFunction', { who: 'Bob' })).id)).toBe('Bob by builder\n')
  })

  test('its working directory is made, below the workspace and nowhere else', async () => {
    expect(await outputOf((await run('workdir')).id)).toBe(`${inWorkspace('workdir', 'made/for it')}\n`)
    expect(await outputOf((await run('workdirComputed', { who: 'Ada' })).id)).toBe(
      `${inWorkspace('workdirComputed', 'of-Ada')}\n`,
    )
    const outside = await run('workdirOutside', { who: 'Ada' })
    expect(outside).toMatchObject({
      result: 'FAILURE',
      summary: expect.stringContaining('leads out of the workspace'),
    })
    expect(existsSync(join(master().dir, 'agent-bot/elsewhere'))).toBe(false)
  })

  test('its input is what the step says, or empty, and need not be read', async () => {
    expect(await outputOf((await run('stdin', { who: 'Ada' })).id)).toBe('grüße Ada\nlast line<end>\n')
    expect(await outputOf((await run('stdinNone')).id)).toBe('<end>\n')
    expect(await run('stdinUnread')).toMatchObject({ result: 'SUCCESS' })
  })
})

describe('how a command ends', () => {
  test.each([
    ['fails', 'FAILURE', 'exit code 7'],
    ['crashes', 'FAILURE', 'killed by SIGSEGV'],
    ['silent', 'FAILURE', 'silent for 300 ms'],
    ['tooLong', 'FAILURE', 'ran for 500 ms'],
    ['missing', 'FAILURE', 'no-such-program: no such program, or what its first line asks for is missing'],
    ['notExecutable', 'FAILURE', 'exit code 126'],
    ['talks', 'SUCCESS', null],
  ])('%s: %s, %s', async (builder, result, summary) => {
    const { results, steps, summary: ofBuild } = await run(builder)
    expect(results).toEqual([`${steps[0]!.name} ${result}`])
    expect(steps[0]!.summary).toBe(summary)
    expect(ofBuild).toBe(summary && `${steps[0]!.name}: ${summary}`)
  })

  test.each([
    [0, 'SUCCESS'],
    [1, 'FAILURE'],
    [2, 'WARNINGS'],
    [3, 'SKIPPED'],
    [4, 'EXCEPTION'],
  ])('decodeRC makes of exit code %i: %s', async (code, result) => {
    expect(await run('warns', { code })).toMatchObject({ result })
  })

  test('a command that cannot be started says so in its log', async () => {
    expect((await run('missing')).text).toContain('not started: no-such-program: no such program')
  })

  test('its whole process group is gone: after a cancel, after a silence, and what it left when it ended', async () => {
    const { build, request } = await startBuild(master(), 'grandchildCancelled')
    const others = await Promise.all(
      ['grandchildSilent', 'grandchildLeft'].map((name) => master().force(name)),
    )
    const groupOf = async (builder: string) => {
      await waitFor(`the grandchild of ${builder}`, () => existsSync(inWorkspace(builder, 'alive')))
      return Number(await readFile(inWorkspace(builder, 'group'), 'utf8'))
    }
    const group = await groupOf('grandchildCancelled')
    expect(groupIsGone(group)).toBe(false)
    await master().api(`/builds/${build}/cancel`, { method: 'POST', json: { reason: 'enough' } })
    expect(await endOf(master(), request)).toMatchObject({ result: 'CANCELLED', summary: 'enough' })
    expect(groupIsGone(group)).toBe(true)

    const ended = await Promise.all(others.map((id) => endOf(master(), id)))
    expect(ended.map(({ result }) => result)).toEqual(['FAILURE', 'SUCCESS'])
    expect(groupIsGone(await groupOf('grandchildSilent'))).toBe(true)
    expect(groupIsGone(await groupOf('grandchildLeft'))).toBe(true)
  })
})

describe('what a command says', () => {
  test('it is seen while the command runs, stdout, stderr and header told apart and in their order', async () => {
    const { build, request } = await startBuild(master(), 'live')
    const log = await waitFor('the log', async () => (await logsOf(master(), build))[0])
    const seen = async () => (await linesOf(master(), log.id)).filter(({ stream }) => stream !== 'header')
    const shows = (text: string) =>
      waitFor(text, async () => (await seen()).some((line) => line.text === text))
    await shows('out 1')
    await writeFile(inWorkspace('live', 'a'), '')
    await shows('err 1')
    await writeFile(inWorkspace('live', 'b'), '')
    await shows('out 2')
    expect((await master().api(`/builds/${build}`)).state).toBe('running')
    await writeFile(inWorkspace('live', 'c'), '')

    expect(await endOf(master(), request)).toMatchObject({ result: 'FAILURE' })
    const [first, ...lines] = await linesOf(master(), log.id)
    expect(first).toEqual({ number: 0, stream: 'header', text: expect.stringMatching(/^\$ echo out 1; /) })
    const header = expect.any(String) as string
    expect(lines).toEqual([
      { number: 1, stream: 'header', text: expect.stringContaining(inWorkspace('live', '').slice(0, -1)) },
      { number: 2, stream: 'header', text: header },
      { number: 3, stream: 'stdout', text: 'out 1' },
      { number: 4, stream: 'stderr', text: 'err 1' },
      { number: 5, stream: 'stdout', text: 'out 2' },
      { number: 5, stream: 'stderr', text: 'err 2' },
      { number: 6, stream: 'header', text: expect.stringMatching(/^ended with exit code 5 after /) },
    ])
    expect((await bytesOf(master(), log.id, 'stdout')).toString()).toBe('out 1\nout 2')
    expect((await bytesOf(master(), log.id, 'stderr')).toString()).toBe('err 1\nerr 2')
  })

  test('its bytes are kept as they are: invalid UTF-8, NUL, control characters, a line of 1 MB, all of 3 MB', async () => {
    const bytes = Buffer.concat([
      Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x1b, 0x5b, 0x0d, 0x0a, 0xc3, 0x0a, 0xed, 0xa0, 0x80, 0x0a]),
      Buffer.alloc(1_048_576, 'long'),
      Buffer.from('\n'),
      randomBytes(1_000_000),
      Buffer.from('grüße '.repeat(150_000)),
      Buffer.from([0xe2, 0x82]),
    ])
    const file = join(master().dir, 'bytes')
    await writeFile(file, bytes)
    const { id, result } = await run('bytes', { file })
    expect(result).toBe('SUCCESS')
    const [log] = await logsOf(master(), id)
    expect((await bytesOf(master(), log!.id, 'stdout')).equals(bytes)).toBe(true)
    const all = await bytesOf(master(), log!.id)
    expect(all.length).toBe(log!.bytes)
    expect(all.includes(bytes)).toBe(true)
    expect(log).toMatchObject({ finished: true, lines: all.filter((byte) => byte === 10).length })
  })
})
