import { expect, test } from 'vitest'
import { fakeMaster } from './helpers/fake-master.ts'
import { rouse } from './helpers/run-cli.ts'

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
    // Its header stands on a line of its own.
    Buffer.from('\n── 0 compile: config.log\nchecking for gcc\n── 1 unit tests\n1 passed\n'),
  ]
  expect(all.bytes().equals(Buffer.concat(expected))).toBe(true)

  for (const step of ['0', 'compile']) {
    const one = rouse(['logs', '17', '--step', step, '--url', master.url])
    expect(await one.ended()).toBe(0)
    expect(one.bytes().equals(Buffer.concat([binary, Buffer.from('checking for gcc\n')]))).toBe(true)
  }

  const named = rouse(['logs', '17', '--log', 'config.log', '--url', master.url])
  expect(await named.ended()).toBe(0)
  expect(named.bytes().toString()).toBe('checking for gcc\n')

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
