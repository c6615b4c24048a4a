import { expect, test } from 'vitest'
import { fakeMaster, json } from './helpers/fake-master.ts'
import { cli, rouse, runProgram } from './helpers/run-cli.ts'

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

test.for(['', 'builds', 'worker'])(
  'help of "%s" loads neither the web server nor the database',
  async (command) => {
    const told = `import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => (process._rawDebug('loads ' + url), next(url, context)) })`
    const node = [`--import=data:text/javascript,${encodeURIComponent(told)}`, ...cli]
    const run = runProgram(process.execPath, [...node, command, '--help'].filter(Boolean), {})
    expect(await run.ended()).toBe(0)
    expect(run.err()).toMatch(/loads .*src\/cli\.ts/)
    expect(run.err()).not.toMatch(/node_modules\/(fastify|@fastify|pg|kysely)\//)
  },
)

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
