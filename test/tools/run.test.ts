import { spawnSync } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findNode20 } from '../helpers/node20.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { TinyCheckout } from './tiny-checkout.ts'

interface Said {
  readonly args: string[]
  readonly PATH: string
  readonly NODE_OPTIONS?: string
  readonly version: string
  readonly flags: string[]
}

describe('a task', () => {
  test('installs what is missing, tells so on stderr, and leaves stdout to the command', async () => {
    const checkout = await TinyCheckout.make()
    const first = await checkout.task(['rouse', 'logs', '1', '--json']).ended
    expect(first.stderr).toMatch(/^rouse: installing packages \(npm ci\) \.\.\. \d+\.\d s$/m)
    const said = JSON.parse(first.stdout) as Said
    expect(said).toMatchObject({ args: ['1', '--json'], flags: ['--conditions=source'] })
    expect(said.NODE_OPTIONS).toBe(process.env.NODE_OPTIONS)

    const second = await checkout.task(['rouse', 'logs']).ended
    expect(second.stderr).toBe('')
  })

  test('passes on the exit code', async () => {
    const checkout = await TinyCheckout.make()
    expect((await checkout.task(['rouse', 'fail', '69']).ended).code).toBe(69)
  })

  test('that does not exist is answered with the ones that do', async () => {
    const checkout = await TinyCheckout.make()
    const { code, stderr } = await checkout.task(['toString']).ended
    expect(code).toBe(64)
    expect(stderr).toContain('start|')
  })

  test('sees the PATH of the user, not the one of npm', async () => {
    const checkout = await TinyCheckout.make()
    const PATH = ['/usr/local/bin', '/usr/bin', '/bin', dirname(process.execPath)].join(delimiter)
    const { stdout } = await checkout.start('npm', ['run', '--silent', 'rouse', 'builds'], { PATH }).ended
    expect((JSON.parse(stdout) as Said).PATH).toBe(PATH)
  })

  test('ends with npm: a SIGTERM to npm reaches it, and npm ends with its exit code', async () => {
    const checkout = await TinyCheckout.make()
    const npm = checkout.start('npm', ['run', '--silent', 'rouse', 'wait'])
    await waitFor('the command', () => npm.stdout().includes('"command":"wait"'))
    npm.child.kill('SIGTERM')
    const { code, stdout } = await npm.ended
    expect(stdout.match(/SIGTERM came/g)).toHaveLength(1)
    expect(code).toBe(7)
  })
})

describe('the packages', () => {
  test('are installed once by two tasks that start together', async () => {
    const checkout = await TinyCheckout.make()
    const runs = await Promise.all([1, 2, 3].map(() => checkout.task(['rouse', 'builds']).ended))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(runs.filter(({ stderr }) => stderr.includes('installing'))).toHaveLength(1)
  })

  test('are installed again after package-lock.json has changed', async () => {
    const checkout = await TinyCheckout.make()
    await checkout.task(['rouse', 'builds']).ended
    await checkout.write('dep/package.json', '{"name":"dep","version":"1.1.0"}')
    await checkout.write(
      'package-lock.json',
      (await checkout.read('package-lock.json')).replace(
        '"version":"1.0.0"},"node_modules',
        '"version":"1.1.0"},"node_modules',
      ),
    )
    expect((await checkout.task(['rouse', 'builds']).ended).stderr).toContain('installing')
    expect((await checkout.task(['rouse', 'builds']).ended).stderr).toBe('')
  })

  test('are installed again after an installation that was interrupted', async () => {
    const checkout = await TinyCheckout.make()
    await checkout.task(['rouse', 'builds']).ended
    await rm(join(checkout.root, 'node_modules', '.package-lock.json'))
    expect((await checkout.task(['rouse', 'builds']).ended).stderr).toContain('installing')
  })

  test('that cannot be installed are told with all that npm said and what to do', async () => {
    const checkout = await TinyCheckout.make()
    await checkout.write(
      'package-lock.json',
      '{"name":"tiny","lockfileVersion":3,"packages":{"":{},"node_modules/x":{"version":"1.0.0"}}}',
    )
    const { code, stdout, stderr } = await checkout.task(['rouse', 'builds']).ended
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('npm error')
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      /^rouse: installing packages .* failed .* run it again\.$/,
    )
  })

  test('are installed although a dead process and an old file hold the lock', async () => {
    const checkout = await TinyCheckout.make()
    const dead = spawnSync(process.execPath, [
      '-p',
      'JSON.stringify({ token: "t", pid: process.pid, host: os.hostname() })',
    ])
    await checkout.write('.rouse/setup.lock', dead.stdout.toString())
    expect((await checkout.task(['rouse', 'builds']).ended).code).toBe(0)
  })
})

test('page and agent are built again when their sources change, and only then', async () => {
  const checkout = await TinyCheckout.make()
  await mkdir(join(checkout.root, 'dep/bin'), { recursive: true })
  const builds = async () => {
    const run = checkout.task(['start'])
    await waitFor('the command', () => run.stdout().includes('"command":"start"'))
    run.child.kill('SIGTERM')
    await run.ended
    const lines = async (path: string) => (await checkout.read(path)).split('\n').length - 1
    return { page: await lines('dist/ui/index.html'), agent: await lines('dist/rouse-agent.mjs') }
  }
  await checkout.task(['rouse', 'builds']).ended
  await mkdir(join(checkout.root, 'node_modules/vite/bin'), { recursive: true })
  await cp(join(checkout.root, 'vite.js'), join(checkout.root, 'node_modules/vite/bin/vite.js'))
  await writeFile(join(checkout.root, 'node_modules/vite/package.json'), '{"type":"module"}')

  expect(await builds()).toEqual({ page: 1, agent: 1 })
  expect(await builds()).toEqual({ page: 1, agent: 1 })
  await checkout.write('src/ui/page.ts', '// changed')
  expect(await builds()).toEqual({ page: 2, agent: 1 })
  await checkout.write('src/agent/agent.ts', '// changed')
  expect(await builds()).toEqual({ page: 2, agent: 2 })
})

test('a machine with Node.js 20 runs tasks on a Node.js 24 that the checkout brings along', async ({
  skip,
}) => {
  const node20 = findNode20()
  if (!node20) return skip('needs a Node.js 20')
  const checkout = await TinyCheckout.make()
  const { stderr, stdout } = await checkout.task(['rouse', 'builds'], { node: node20 }).ended
  expect(stderr).toContain('getting Node.js 24')
  expect((JSON.parse(stdout) as Said).version).toMatch(/^v24\./)
  expect((await checkout.task(['rouse', 'builds'], { node: node20 }).ended).stderr).toBe('')
}, 120_000)
