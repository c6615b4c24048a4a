import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { fakeMaster, json } from './helpers/fake-master.ts'
import { cli, rouse, runProgram } from './helpers/run-cli.ts'

test('builds lists builds as aligned plain text in a pipe', async () => {
  const master = await fakeMaster()
  const long =
    'a reason that is much longer than any terminal is wide, and is not cut in a pipe, whatever happens'
  master.finishBuild(master.addBuild(master.addRequest({ reason: long })), 'FAILURE')
  master.addBuild(master.addRequest({ builder: 'integration', reason: 'tab\tand \x1b]0;title\x07' }))
  const run = rouse(['builds', '--url', master.url])
  expect(await run.ended()).toBe(0)
  const [title, second, first, ...none] = run.out().split('\n')
  expect(title).toMatch(/^BUILD {2}BUILDER {6}RESULT {3}WORKER {2}STARTED +TOOK +REQUEST {2}REASON$/)
  expect(second).toMatch(/^ {3}18 {2}integration {2}running {2}bot .* r13 {6}tab and \^\[\]0;title\^G$/)
  expect(first).toMatch(/^ {3}17 {2}unit {9}FAILURE {2}bot {5}2026-01-02T03:04:05\.000Z +4\.0 s {2}r12/)
  expect(first).toContain(long)
  expect(none).toEqual([''])
})

test('builds --json prints the JSON of the API, wherever the option stands, over as many pages as it takes', async () => {
  const master = await fakeMaster()
  for (let i = 0; i < 1234; i++) master.addBuild(master.addRequest())
  const run = rouse(['--json', '--url', master.url, 'builds', '--limit', '1200'])
  expect(await run.ended()).toBe(0)
  const page = JSON.parse(run.out())
  expect(page.items).toHaveLength(1200)
  expect(page.items[0]).toEqual(master.builds.at(-1))
  expect(new Set(page.items.map(({ id }: { id: number }) => id)).size).toBe(1200)
  expect(master.asked.map(({ query }) => query.limit)).toEqual(['1000', '200'])
})

test('builds asks for the builder and worker it is given', async () => {
  const master = await fakeMaster()
  const run = rouse(['builds', '--builder', 'unit', '--worker', 'bot', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toBe('')
  expect(run.err()).toBe('no builds\n')
  expect(master.asked[0]!.query).toEqual({ builder: 'unit', worker: 'bot', limit: '20' })
})

test('builds with a number shows the build with its properties and steps', async () => {
  const master = await fakeMaster()
  const build = master.addBuild(master.addRequest({ reason: 'nightly' }), {
    properties: { os: 'linux', depth: 3 },
  })
  master.finishStep(master.addStep(build, 'compile').step, 'SUCCESS')
  master.finishStep(master.addStep(build, 'test').step, 'FAILURE', 'exit code 2')
  master.finishBuild(build, 'FAILURE')
  const run = rouse(['builds', '17', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toBe(
    'build 17 FAILURE\n' +
      'builder         unit\n' +
      'worker          bot\n' +
      'request         r12\n' +
      'reason          nightly\n' +
      'source          https://git.example/app.git branch main\n' +
      'started         2026-01-02T03:04:05.000Z\n' +
      'took            4.0 s\n' +
      'property os     linux\n' +
      'property depth  3\n\n' +
      'STEP  NAME     RESULT    TOOK  SUMMARY\n' +
      '   0  compile  SUCCESS  3.0 s\n' +
      '   1  test     FAILURE  3.0 s  exit code 2\n',
  )
  const asJson = rouse(['builds', '17', '--json', '--url', master.url])
  expect(await asJson.ended()).toBe(0)
  expect(JSON.parse(asJson.out())).toEqual({ ...build, steps: master.steps })
})

test('requests lists what waits in the order of the queue, with why', async () => {
  const master = await fakeMaster()
  master.addRequest({ position: 2, waitingFor: '1 requests of its builder come first' })
  master.addRequest({ position: 1, priority: 5 })
  master.addBuild(master.addRequest())
  const run = rouse(['requests', '--url', master.url])
  expect(await run.ended()).toBe(0)
  const [title, first, second, ...none] = run.out().split('\n')
  expect(title).toMatch(/^REQUEST .* WAITS FOR$/)
  expect(first).toMatch(/^r13 .* waits for a worker: bot is not connected$/)
  expect(second).toMatch(/^r12 .* 1 requests of its builder come first$/)
  expect(none).toEqual([''])

  const all = rouse(['requests', '--all', '--json', '--url', master.url])
  expect(await all.ended()).toBe(0)
  expect(JSON.parse(all.out()).items.map(({ id }: { id: number }) => id)).toEqual([14, 13, 12])
})

test('workers lists the workers with what they do', async () => {
  const master = await fakeMaster()
  master.workers.push({
    name: 'bot-solaris',
    kind: 'static',
    connected: true,
    status: 'runs 1 of 2 builds',
    maxBuilds: 2,
    runningBuilds: [17],
    lastSeenAt: '2026-01-02T03:04:05.000Z',
  })
  const run = rouse(['workers', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toMatch(
    /\nbot-solaris {2}static {2}yes +1 of 2 {2}2026-01-02T03:04:05\.000Z {2}runs 1 of 2 builds\n$/,
  )
})

test('force sends what it is given, and the properties as text or as JSON', async () => {
  const master = await fakeMaster()
  const options = '--branch dev --revision abc --priority -5 --reason try -p tests=a=b -p depth:=3 -p empty='
  const run = rouse(['force', 'a b/c', ...options.split(' '), '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toBe('request r12\n')
  expect(master.asked).toHaveLength(1)
  expect(master.asked[0]).toMatchObject({ method: 'POST', path: '/builders/a%20b%2Fc/force' })
  expect(master.asked[0]!.body).toEqual({
    branch: 'dev',
    revision: 'abc',
    priority: -5,
    reason: 'try',
    properties: { tests: 'a=b', depth: 3, empty: '' },
  })
})

test('force asks again with the same key when the answer is lost, so that nothing is queued twice', async () => {
  const master = await fakeMaster()
  master.intercept = (_, response) => {
    if (master.asked.length > 2) return false
    response.destroy()
    return true
  }
  const run = rouse(['force', 'unit', '--json', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(JSON.parse(run.out())).toEqual({ buildsetId: 1, requestIds: [12] })
  const keys = master.asked.map(({ headers }) => headers['idempotency-key'])
  expect(keys).toHaveLength(3)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toMatch(/^[\da-f-]{36}$/)
})

test('cancel tells a build from a request, and hands on the reason', async () => {
  const master = await fakeMaster()
  const build = rouse(['cancel', '17', '--url', master.url])
  expect(await build.ended()).toBe(0)
  expect(build.out()).toBe('build 17 is cancelled\n')
  const request = rouse(['cancel', 'r12', '--reason', 'wrong branch', '--url', master.url])
  expect(await request.ended()).toBe(0)
  expect(request.out()).toBe('request r12 is cancelled\n')
  expect(master.asked.map(({ path, body }) => [path, body])).toEqual([
    ['/builds/17/cancel', {}],
    ['/requests/12/cancel', { reason: 'wrong branch' }],
  ])
})

test('rebuild queues the build again and can follow it', async () => {
  const master = await fakeMaster()
  const run = rouse(['rebuild', '17', '--follow', '--url', master.url])
  await run.shows('request r12')
  master.finishBuild(master.addBuild(master.requests[0]!), 'CANCELLED')
  expect(await run.ended()).toBe(3)
  expect(master.asked[0]).toMatchObject({ method: 'POST', path: '/builds/17/rebuild' })
})

test('logs prints every step under a header, and a single step byte for byte', async () => {
  const master = await fakeMaster()
  const build = master.addBuild(master.addRequest())
  const compile = master.addStep(build, 'compile')
  const binary = Buffer.from([0x00, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0xfe, 0x0d, 0x0d, 0x0a, 0xc3])
  master.grow(compile.log, binary)
  const extra = master.addLog(compile.step, 'config.log')
  master.grow(extra, 'checking for gcc\n')
  master.finishStep(compile.step, 'SUCCESS')
  const test = master.addStep(build, 'unit tests')
  master.grow(test.log, '1 passed\n')
  master.finishStep(test.step, 'SUCCESS')
  master.finishBuild(build, 'SUCCESS')

  const all = rouse(['logs', '17', '--url', master.url])
  expect(await all.ended()).toBe(0)
  const expected = [
    Buffer.from('── 0 compile\n'),
    binary,
    Buffer.from('checking for gcc\n── 1 unit tests\n1 passed\n'),
  ]
  expect(all.bytes().equals(Buffer.concat(expected))).toBe(true)

  for (const step of ['0', 'compile']) {
    const one = rouse(['logs', '17', '--step', step, '--url', master.url])
    expect(await one.ended()).toBe(0)
    expect(one.bytes().equals(Buffer.concat([binary, Buffer.from('checking for gcc\n')]))).toBe(true)
  }

  const wrong = rouse(['logs', '17', '--step', 'unit test', '--url', master.url])
  expect(await wrong.ended()).toBe(1)
  expect(wrong.err()).toContain('Did you mean "unit tests"?')
})

test('logs of a running build ends with what there is, and goes on where a cut connection stopped', async () => {
  const master = await fakeMaster()
  const build = master.addBuild(master.addRequest())
  const { log } = master.addStep(build, 'compile')
  const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('')
  master.grow(log, text)
  master.cutTextAfter = 70_000
  const run = rouse(['logs', '17', '--step', '0', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out() === text).toBe(true)
  const ranges = master.asked.filter(({ path }) => path.endsWith('/text')).map(({ headers }) => headers.range)
  expect(ranges).toEqual(['bytes=0-', 'bytes=70000-'])
})

test('output into a pipe that is closed ends quietly', async () => {
  const master = await fakeMaster()
  for (let i = 0; i < 5000; i++) master.addBuild(master.addRequest({ reason: 'a'.repeat(200) }))
  const script = `"$0" "$@" builds --limit 5000 --url ${master.url} | head -n 1; exit "\${PIPESTATUS[0]}"`
  const run = runProgram('bash', ['-c', script, process.execPath, ...cli], {})
  expect(await run.ended()).toBe(141)
  expect(run.out()).toMatch(/^BUILD .*\n$/)
  expect(run.err()).toBe('')
})

test('a master that is not there is named, with exit code 69', async () => {
  const master = await fakeMaster()
  await master.die()
  for (const args of [
    ['builds'],
    ['force', 'unit', '--follow'],
    ['logs', '17', '--follow'],
    ['cancel', '17'],
  ]) {
    const run = rouse(args, { env: { ROUSE_URL: master.url } })
    expect(await run.ended()).toBe(69)
    expect(run.err()).toBe(
      `error: no master answers at ${master.url} (from ROUSE_URL): connection refused\n` +
        '  Start the master with `rouse start`, or say where it is with --url or ROUSE_URL.\n' +
        '  ROUSE_MASTER_UNREACHABLE\n',
    )
  }
})

test('with --json an error is one line of JSON on stderr', async () => {
  const master = await fakeMaster()
  const run = rouse(['builds', '99', '--json', '--url', master.url])
  expect(await run.ended()).toBe(1)
  expect(run.out()).toBe('')
  expect(JSON.parse(run.err())).toEqual({
    code: 'ROUSE_BUILD_UNKNOWN',
    message: 'there is no such thing',
    advice: 'Look elsewhere.',
  })
})

test('what a master refuses exits with 77, and what is no master with 69', async () => {
  const master = await fakeMaster()
  master.intercept = (_, response) => {
    json(response, 403, { code: 'ROUSE_ORIGIN_REFUSED', message: 'not for you', advice: 'Ask somebody.' })
    return true
  }
  const refused = rouse(['builds', '--url', master.url])
  expect(await refused.ended()).toBe(77)
  expect(refused.err()).toBe('error: not for you\n  Ask somebody.\n  ROUSE_ORIGIN_REFUSED\n')

  master.intercept = (_, response) => {
    response.writeHead(404).end('<h1>Not found</h1>')
    return true
  }
  const other = rouse(['builds', '--url', master.url])
  expect(await other.ended()).toBe(69)
  expect(other.err()).toContain(`${master.url} answers 404 Not Found, but not as a Rouse master does`)

  master.intercept = (_, response) => {
    response.end('<h1>Hello</h1>')
    return true
  }
  const html = rouse(['builds', '--url', master.url])
  expect(await html.ended()).toBe(69)
  expect(html.err()).toContain('ROUSE_NOT_A_MASTER')
})

test('an error that comes from the master cannot command the terminal', async () => {
  const master = await fakeMaster()
  master.intercept = (_, response) => {
    json(response, 400, { code: 'ROUSE_REQUEST_INVALID', message: 'bad \x1b]0;owned\x07', advice: '\x1b[2J' })
    return true
  }
  const run = rouse(['builds', '--url', master.url])
  expect(await run.ended()).toBe(1)
  expect(run.err()).not.toContain('\x1b')
})

test('wrong usage exits with 64, and an unknown command is told what was probably meant', async () => {
  const cases: [string[], string][] = [
    [['biulds'], 'Did you mean "rouse builds"?'],
    [['nonsense'], 'there is no command "nonsense"'],
    [[], 'which command?'],
    [['builds', '--bilder', 'x'], "unknown option '--bilder'"],
    [['builds', 'x'], '"x" is not the number of a build'],
    [['builds', '--limit', '0'], 'It must be an integer from 1'],
    [['logs', 'r12'], '"r12" is a request'],
    [['cancel', '17x'], 'neither a build (17) nor a request (r12)'],
    [['force'], "missing required argument 'builder'"],
    [['force', 'unit', '-p', 'novalue'], 'Write name=text'],
    [['force', 'unit', '-p', 'n:=nojson'], 'is not JSON'],
    [['builds', '--url', 'http://user:secret@host'], '--url holds a name or password'],
  ]
  for (const [args, message] of cases) {
    const run = rouse(args)
    expect([args, await run.ended()]).toEqual([args, 64])
    expect(run.err()).toContain(message)
    expect(run.err()).toContain('ROUSE_USAGE')
    expect(run.out()).toBe('')
  }
})

test('help and version need no master', async () => {
  for (const args of [['--help'], ['help'], ['-h']]) {
    const run = rouse(args)
    expect(await run.ended()).toBe(0)
    expect(run.out()).toMatch(/Usage: rouse \[options\] \[command\][^]* force +queue a build/)
  }
  for (const args of [
    ['help', 'force'],
    ['force', '--help'],
    ['--help', 'force'],
  ]) {
    const run = rouse(args)
    expect(await run.ended()).toBe(0)
    expect(run.out()).toMatch(/Usage: rouse force \[options\] <builder>[^]*5 ended without a build/)
  }
  const version = rouse(['--version'])
  expect(await version.ended()).toBe(0)
  expect(version.out()).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('the master is found by master.json in the data folder, also by that of a config', async () => {
  const master = await fakeMaster()
  const dir = await tempDir()
  const here = await writeMasterFile(join(dir, 'rouse-data'), master.url)
  await writeFile(join(dir, 'other.config.mjs'), `export default { dataDir: 'elsewhere' }`)

  const found = rouse(['workers'], { cwd: dir })
  expect(await found.ended()).toBe(0)
  expect(master.asked).toHaveLength(1)

  const none = rouse(['workers', '--config', 'other.config.mjs'], { cwd: dir })
  expect(await none.ended()).toBe(69)
  expect(none.err()).toContain(join(dir, 'elsewhere/master.json'))

  await writeMasterFile(join(dir, 'elsewhere'), master.url)
  const byConfig = rouse(['workers', '--config', join(dir, 'other.config.mjs')])
  expect(await byConfig.ended()).toBe(0)
  expect(master.asked).toHaveLength(2)

  await writeFile(here, '{"url": "http')
  const broken = rouse(['workers'], { cwd: dir, env: { ROUSE_URL: master.url } })
  expect(await broken.ended()).toBe(0)
})

async function writeMasterFile(dataDir: string, url: string): Promise<string> {
  await mkdir(dataDir)
  const file = join(dataDir, 'master.json')
  await writeFile(file, JSON.stringify({ url, pid: 123 }))
  return file
}
