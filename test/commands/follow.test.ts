import { randomBytes, randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { waitFor } from '../helpers/wait-for.ts'
import { fakeMaster, type FakeMaster } from './helpers/fake-master.ts'
import { rouse, type Run } from './helpers/run-cli.ts'

test('force --follow says why the request waits, streams the log live and ends with the result', async () => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('r12: waits for a worker: bot is not connected (number 1 in the queue)')
  const [request] = master.requests
  request!.waitingFor = 'waits for a worker: bot runs 1 of 1 builds'
  await run.shows('r12: waits for a worker: bot runs 1 of 1 builds')

  const build = master.addBuild(request!)
  const { step, log } = master.addStep(build, 'compile')
  master.grow(log, 'cc main.c\n')
  await run.shows('cc main.c\n')
  master.grow(log, 'warning: no newline at the end')
  await run.shows('no newline at the end')
  master.finishStep(step, 'SUCCESS')
  const second = master.addStep(build, 'test')
  master.finishStep(second.step, 'FAILURE', 'exit code 2')
  master.finishBuild(build, 'FAILURE')

  expect(await run.ended()).toBe(1)
  expect(run.out()).toBe(
    'request r12\n' +
      'build 17 of unit on bot\n' +
      '── 0 compile\n' +
      'cc main.c\n' +
      'warning: no newline at the end\n' +
      '── 1 test\n' +
      '── 1 test: FAILURE (exit code 2) after 3.0 s\n' +
      'build 17 FAILURE in 4.0 s\n',
  )
  expect(run.err()).toBe(
    'r12: waits for a worker: bot is not connected (number 1 in the queue)\n' +
      'r12: waits for a worker: bot runs 1 of 1 builds (number 1 in the queue)\n',
  )
})

test.for([
  ['SUCCESS', 0],
  ['WARNINGS', 0],
  ['FAILURE', 1],
  ['EXCEPTION', 2],
  ['CANCELLED', 3],
  ['SKIPPED', 4],
] as const)('force --follow exits %s with %i', async ([result, code]) => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('request r12')
  master.finishBuild(master.addBuild(master.requests[0]!), result)
  expect(await run.ended()).toBe(code)
})

test('force --follow exits with 5 when the request ends without a build', async () => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('request r12')
  Object.assign(master.requests[0]!, { state: 'complete', result: 'CANCELLED' })
  expect(await run.ended()).toBe(5)
  expect(run.out()).toContain('request r12 ended without a build: CANCELLED\n')
})

test('force --follow goes on with the next attempt after a RETRY', async () => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('request r12')
  const [request] = master.requests
  const first = master.addBuild(request!)
  master.grow(master.addStep(first, 'compile').log, 'first attempt\n')
  await run.shows('first attempt')
  master.finishBuild(first, 'RETRY')
  await run.shows('waits for another worker')

  const second = master.addBuild(request!)
  const { step, log } = master.addStep(second, 'compile')
  master.grow(log, 'second attempt\n')
  master.finishStep(step, 'SUCCESS')
  master.finishBuild(second, 'SUCCESS')
  expect(await run.ended()).toBe(0)
  expect(run.out()).toContain('first attempt\nbuild 17 RETRY in 4.0 s; it is tried again\n')
  expect(run.out()).toContain('build 18 of unit on bot, attempt 2\n── 0 compile\nsecond attempt\n')
})

test('a follower loses no byte and repeats none when connections are cut and the master restarts', async () => {
  const master = await fakeMaster()
  const expected: string[] = []
  const build = master.addBuild(master.addRequest())
  const { step, log } = master.addStep(build, 'compile')
  const grow = (lines: number) => {
    const text = Array.from(
      { length: lines },
      () => `${expected.length} ${randomBytes(200).toString('hex')}\n`,
    ).join('')
    expected.push(text)
    master.grow(log, text)
  }
  const run = rouse(['logs', '17', '--step', 'compile', '--follow', '--url', master.url])

  grow(500)
  master.cutTextAfter = 10_001
  await run.shows(lastLine(expected))
  master.cutTextAfter = 7
  grow(300)
  await run.shows(lastLine(expected))

  await master.die()
  await run.shows('connection lost, waiting for the master')
  grow(300)
  master.cutTextAfter = 33_333
  await master.listen()
  await run.shows(lastLine(expected))
  grow(1)
  await run.shows(lastLine(expected))
  master.finishStep(step, 'SUCCESS')
  master.finishBuild(build, 'SUCCESS')

  expect(await run.ended()).toBe(0)
  expect(run.out() === expected.join('')).toBe(true)
  expect(run.err().match(/connection lost/g)).toHaveLength(1)
  expect(run.err()).toMatch(/the master is back\n$/)
})

test('whatever is cut in whatever order, a follower prints each log once and whole', async () => {
  const master = await fakeMaster()
  const build = master.addBuild(master.addRequest())
  const run = rouse(['logs', '17', '--follow', '--url', master.url])
  let expected = ''
  for (let number = 0; number < 12; number++) {
    const { step, log } = master.addStep(build, `step ${number}`)
    expected += `── ${number} step ${number}\n`
    for (let piece = 0; piece < 4; piece++) {
      const text = `${number}.${piece} ${'x'.repeat(randomInt(50_000))}\n`
      expected += text
      if (randomInt(3) === 0) master.cutTextAfter = randomInt(50_000)
      master.grow(log, text)
      const mishap = randomInt(12)
      if (mishap === 0) await master.die().then(() => master.listen())
      if (mishap === 1) master.cutEvents()
      if (mishap === 2) master.send({ type: 'reset' })
      if (mishap > 8) await run.shows(`${number}.${piece} x`)
    }
    master.finishStep(step, 'SUCCESS')
  }
  master.finishBuild(build, 'SUCCESS')
  expect(await run.ended()).toBe(0)
  expect(run.out() === expected).toBe(true)
})

test('force --follow goes on through a restart of the master while the request waits', async () => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('bot is not connected')
  await master.die()
  await run.shows('connection lost, waiting for the master')
  master.finishBuild(master.addBuild(master.requests[0]!), 'SUCCESS')
  await master.listen()
  expect(await run.ended()).toBe(0)
  expect(run.err().match(/connection lost/g)).toHaveLength(1)
})

test('a follower waits while the master is stopping or overloaded, and ends on any other refusal', async () => {
  const master = await fakeMaster()
  const run = follow(master)
  await run.shows('bot is not connected')
  let refusal = { status: 503, code: 'ROUSE_SHUTTING_DOWN' }
  master.intercept = (_, response) => {
    response.writeHead(refusal.status, { 'retry-after': '0' })
    response.end(JSON.stringify({ code: refusal.code, message: 'not now', advice: 'Later.' }))
    return true
  }
  await run.shows('connection lost, waiting for the master (not now)')
  refusal = { status: 429, code: 'ROUSE_REQUEST_INVALID' }
  const before = master.asked.length
  await waitFor('two more tries', () => master.asked.length > before + 1)
  refusal = { status: 404, code: 'ROUSE_REQUEST_UNKNOWN' }
  expect(await run.ended()).toBe(1)
  expect(run.err()).toContain('ROUSE_REQUEST_UNKNOWN')
})

test('Ctrl-C while following leaves the build running, says so and exits with 130', async () => {
  const master = await fakeMaster()
  const waiting = follow(master)
  await waiting.shows('bot is not connected')
  waiting.kill('SIGINT')
  expect(await waiting.ended()).toBe(130)
  expect(waiting.err()).toContain('request r12 still waits; to end it: rouse cancel r12\n')

  const running = follow(master)
  await running.shows('request r13')
  const build = master.addBuild(master.requests[1]!)
  master.grow(master.addStep(build, 'compile').log, 'cc main.c\n')
  await running.shows('cc main.c')
  running.kill('SIGINT')
  expect(await running.ended()).toBe(130)
  expect(running.err()).toContain('build 17 goes on; to end it: rouse cancel 17\n')
  expect(master.asked.filter(({ path }) => path.endsWith('/cancel'))).toEqual([])
})

test('force --follow --json prints one object per line', async () => {
  const master = await fakeMaster()
  const run = rouse(['force', 'unit', '--follow', '--json', '--url', master.url])
  await run.shows('"type":"request"')
  const build = master.addBuild(master.requests[0]!)
  const { step, log } = master.addStep(build, 'compile')
  const euro = Buffer.from('5 €\n')
  master.grow(log, euro.subarray(0, 3))
  await run.shows('"text":"5 "')
  master.grow(log, euro.subarray(3))
  master.finishStep(step, 'SUCCESS')
  master.finishBuild(build, 'SUCCESS')
  expect(await run.ended()).toBe(0)

  const objects = run
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(objects.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['request', 'build', 'step', 'log', 'result']),
  )
  const logs = objects.filter(({ type }) => type === 'log')
  expect(logs.map(({ text }) => text).join('')).toBe('5 €\n')
  expect(logs[0]).toMatchObject({ build: 17, step: 0, log: log.id, name: 'stdio' })
  expect(objects.at(-1)).toEqual({ type: 'result', request: 12, build: 17, result: 'SUCCESS' })
})

function follow(master: FakeMaster): Run {
  return rouse(['force', 'unit', '--follow', '--url', master.url])
}

function lastLine(texts: readonly string[]): string {
  return texts.at(-1)!.trimEnd().split('\n').at(-1)!
}
