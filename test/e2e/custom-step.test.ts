import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { groupIsGone } from '../agent/processes.ts'
import { bytesOf, endOf, linesOf, logsOf, readBuild, runBuild, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { sharedMaster } from '../helpers/shared-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = await readFile(new URL('./custom-step.config.ts', import.meta.url), 'utf8')
const options = { config, whole: true }
const master = sharedMaster(options, (started) => started.agent('bot', 'b0t'))

const run = (builder: string) => runBuild(master(), builder)
const inWorkspace = (builder: string, file: string) => join(master().dir, `agent-bot/${builder}/0`, file)

describe('steps of a build', () => {
  test('flags decide what runs after a failure and what the build ends with', async () => {
    expect(await run('flags')).toMatchObject({
      result: 'FAILURE',
      summary: 'counted: exit code 1',
      results: [
        'ignored FAILURE',
        'counted FAILURE',
        'goes on SUCCESS',
        'halts FAILURE',
        'skipped SKIPPED',
        'always SUCCESS',
        'always but not wanted SKIPPED',
      ],
    })
  })

  test('doStepIf decides by properties and by the result so far', async () => {
    const { result, results } = await run('conditions')
    expect(results).toEqual([
      'set WARNINGS',
      'by property SUCCESS',
      'not by property SKIPPED',
      'by result SUCCESS',
    ])
    expect(result).toBe('WARNINGS')
  })

  test('a build in which no step had anything to do ends SKIPPED', async () => {
    expect(await run('nothing')).toMatchObject({ result: 'SKIPPED', results: ['a SKIPPED', 'b SKIPPED'] })
  })

  test('two commands at once with keys get a log each', async () => {
    const { id, result, text } = await run('together')
    expect(result, text).toBe('SUCCESS')
    const logs = await logsOf(master(), id)
    expect(logs.map(({ name, finished }) => `${name} ${finished}`)).toEqual(['stdio true', 'stdio-2 true'])
    const outputs = await Promise.all(logs.map(({ id: log }) => bytesOf(master(), log, 'stdout')))
    expect(outputs.map(String).toSorted()).toEqual(['one\n', 'two\n'])
    expect(text).toContain('one and two\n')
  })

  test('a step that asks for a RETRY is built again, until it has what it wants', async () => {
    const { attempt, requestId, result } = await run('again')
    expect({ attempt, result }).toEqual({ attempt: 3, result: 'SUCCESS' })
    const { buildIds } = await master().api(`/requests/${requestId}`)
    expect(await readBuild(master(), buildIds[0])).toMatchObject({
      result: 'RETRY',
      summary: 'it: not this time',
    })
  })

  test('properties are stored as JSON can say them, and that is what later steps see', async () => {
    const { properties, results, summary } = await run('properties')
    expect({ results, summary }).toEqual({ results: ['it SUCCESS'], summary: null })
    expect(properties).toMatchObject({
      nul: 'a\ufffdb',
      list: [1, { deep: true }],
      date: '1970-01-01T00:00:00.000Z',
    })
  })

  test('notes of a step are lines of the header, cut when they are enormous', async () => {
    const { id, result } = await run('notes')
    expect(result).toBe('SUCCESS')
    const [log] = await logsOf(master(), id)
    const lines = await linesOf(master(), log!.id)
    expect(lines.map(({ stream }) => stream)).toEqual(['header', 'header', 'header', 'header'])
    expect(lines.map(({ text }) => text.slice(0, 5))).toEqual(['one', 'two', 'xxxxx', 'nul \0'])
    expect(log!.bytes).toBeLessThan(70_000)
  })
})

describe('a config that is wrong at run time hurts its own build only', () => {
  test.each([
    ['commandThrows', 'no command today'],
    ['wordThrows', 'no word today'],
    ['envThrows', 'no env today'],
    ['variableThrows', 'no variable today'],
    ['doStepIfThrows', 'cannot say'],
    ['doStepIfLater', 'doStepIf returned a promise; it must answer at once'],
    ['wordUndefined', 'shell: command.1 must be string, got undefined'],
    ['commandPromise', 'shell: command must be string or must be array, got a promise (it needs an await)'],
    ['commandEmpty', 'shell: workdir must not have fewer than 1 characters, got a text of 0 characters'],
    ['variableNumber', 'shell: env.PORT must be string or must be null, got a number'],
    ['tooLarge', /^shell: it takes 1200\d{3} bytes, the limit is 1044480$/],
    [
      'stdinTooLarge',
      'shell: stdin must not have more than 524288 characters, got a text of 600000 characters',
    ],
    ['returnsText', /^the step returned 'GREAT': it may return nothing, a result, or/],
    ['returnsNull', /^the step returned null/],
    ['returnsNumber', /^the step returned 42/],
    ['returnsArray', /^the step returned \[ 'SUCCESS' \]/],
    ['returnsWrongResult', /^the step returned \{ result: 'success' \}/],
    ['returnsFunction', /^the step returned \[Function/],
    ['returnsCircular', /^the step returned <ref \*1> \{ self: \[Circular \*1\] \}/],
    ['throwsText', 'only text'],
    ['throwsNul', 'a\ufffdb'],
    ['throwsAtOnce', 'before any promise'],
    ['unknownOperation', 'there is no operation "format-disk"'],
    ['sameKey', 'the step has asked for an effect "k" already'],
    ['propertyFunction', 'JSON cannot say function'],
  ])('%s: EXCEPTION, %s', async (builder, message) => {
    const { result, steps, summary, text } = await run(builder)
    const expected = typeof message === 'string' ? message : (expect.stringMatching(message) as string)
    expect(steps.map((step) => [step.result, step.summary])).toEqual([['EXCEPTION', expected]])
    expect({ result, summary }).toEqual({
      result: 'EXCEPTION',
      summary: `${steps[0]!.name}: ${steps[0]!.summary}`,
    })
    expect(text).toContain('The step threw an error:\n')
  })

  test('an environment of a builder that cannot be computed ends the build before its first step', async () => {
    expect(await run('builderEnvThrows')).toMatchObject({
      result: 'EXCEPTION',
      summary: 'no builder env today',
      results: ['true SKIPPED'],
    })
  })

  test('a doStepIf that throws halts the build like a failed step', async () => {
    expect((await run('haltsHere')).results).toEqual(['first EXCEPTION', 'cleanup SUCCESS'])
    expect(existsSync(inWorkspace('haltsHere', 'mark'))).toBe(false)
  })

  test('odd summaries are stored as text', async () => {
    expect((await run('summaryNul')).steps[0]).toMatchObject({ result: 'FAILURE', summary: 'a\ufffdb' })
    expect((await run('summaryNumber')).steps[0]).toMatchObject({ result: 'WARNINGS', summary: '3' })
  })

  test('a command that its step does not wait for is ended with the step', async () => {
    expect(await run('unawaited')).toMatchObject({ result: 'SUCCESS' })
    const pid = Number(await readFile(inWorkspace('unawaited', 'pid'), 'utf8'))
    expect(groupIsGone(pid)).toBe(true)
  })

  test('a step can do nothing after its end, and a promise that it forgot does not end the master', async () => {
    const { id, result } = await run('late')
    expect(result).toBe('SUCCESS')
    expect(await run('forgets')).toMatchObject({ result: 'SUCCESS' })
    await waitFor('the word of it', () => master().output.includes('nobody waits for me'))
    expect(await run('fine')).toMatchObject({ result: 'SUCCESS' })
    expect((await readBuild(master(), id)).text).toBe('')
    expect(existsSync(inWorkspace('late', 'late'))).toBe(false)
  })

  test('a build beside all of them is not disturbed, nor is the connection of its agent', async () => {
    const { connectedAt } = await master().api('/workers/bot')
    const { request } = await startBuild(master(), 'waits')
    await waitFor('its command', () => existsSync(inWorkspace('waits', 'started')))
    const bad = [
      'wordUndefined',
      'tooLarge',
      'returnsNull',
      'doStepIfThrows',
      'throwsNul',
      'unknownOperation',
      'missing',
    ]
    for (const builder of bad) expect((await run(builder)).result).toMatch(/EXCEPTION|FAILURE/)
    await writeFile(inWorkspace('waits', 'go'), '')
    const { result, text } = await endOf(master(), request)
    expect({ result, text }).toEqual({ result: 'SUCCESS', text: expect.stringContaining('went on\n') })
    expect(await master().api('/workers/bot')).toMatchObject({
      connected: true,
      connectedAt,
      runningBuilds: [],
    })
  })
})

describe('cancelling', () => {
  test('a step that does not heed the cancel is left after some seconds, and what always runs still runs', async () => {
    const { build, request } = await startBuild(master(), 'deaf')
    await waitFor('its command', () => existsSync(inWorkspace('deaf', 'began')))
    await master().api(`/builds/${build}/cancel`, { method: 'POST', json: { reason: 'enough' } })
    expect(await endOf(master(), request)).toMatchObject({
      result: 'CANCELLED',
      summary: 'enough',
      results: ['deaf CANCELLED', 'cleanup SUCCESS'],
    })
  })

  test('a step that makes a success of its cancelled command does not keep the build from being cancelled', async () => {
    const { build, request } = await startBuild(master(), 'heedless')
    await waitFor('its command', () => existsSync(inWorkspace('heedless', 'began')))
    await master().api(`/builds/${build}/cancel`, { method: 'POST', json: {} })
    expect(await endOf(master(), request)).toMatchObject({
      result: 'CANCELLED',
      results: ['heedless SUCCESS', 'more SKIPPED', 'cleanup SUCCESS'],
    })
  })

  test('a master is stopped although a step of a build never ends', async () => {
    const own = await startMaster(options)
    const agent = await own.agent('bot', 'b0t')
    const { request } = await startBuild(own, 'deaf')
    await waitFor('its command', () => existsSync(join(agent.baseDir, 'deaf/0/began')))
    expect(await own.end('SIGTERM')).toBe(0)
    await own.start()
    expect(await own.api(`/requests/${request}`)).not.toMatchObject({ state: 'complete' })
  })
})
