import { expect, test } from 'vitest'
import { fakeMaster } from './helpers/fake-master.ts'
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

test('requests --all says which newer request stands for one that was collapsed', async () => {
  const master = await fakeMaster()
  const completed = { state: 'complete', result: 'SKIPPED', waitingFor: null, position: null } as const
  master.addRequest({ ...completed, supersededBy: 13 })
  const run = rouse(['requests', '--all', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toMatch(/\nr12 .* SKIPPED .* superseded by r13\n/)
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
  master.workers.push({ ...master.workers[0]!, name: 'away', connected: false, runningBuilds: [] })
  const run = rouse(['workers', '--url', master.url])
  expect(await run.ended()).toBe(0)
  expect(run.out()).toMatch(
    /\nbot-solaris {2}static {2}yes +1 of 2 {2}now {7,}runs 1 of 2 builds\naway +static {2}no +0 of 2 {2}2026-01-02T03:04:05\.000Z {2}/,
  )
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
