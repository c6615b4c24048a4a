import { execFile, spawn, spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { findNode20 } from '../helpers/node20.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { checkout } from './tiny-checkout.ts'

test('the packed package, installed into an empty folder, checks and starts a config there', async () => {
  const folder = await tempDir()
  const tarball = await pack()
  // One connection to the registry that hangs must not take all the time there is.
  const patience = ['--fetch-timeout=30000', '--fetch-retries=4', '--fetch-retry-mintimeout=1000']
  await run('npm', ['install', '--no-audit', '--no-fund', ...patience, tarball], folder)
  await writeFile(join(folder, 'master.config.ts'), config)
  await writeFile(join(folder, 'types.ts'), mistake)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['master.config.ts', 'types.ts'] }),
  )

  const installed = join(folder, 'node_modules', 'rouse')
  expect((await readdir(join(installed, 'dist'))).sort()).toEqual([
    'migrations',
    'rouse-agent.mjs',
    'src',
    'ui',
    'workers',
  ])
  expect(await readdir(installed)).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'RELEASE_NOTES.md', 'docs']),
  )

  // The types need nothing but the package itself.
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
  expect(spawnSync(process.execPath, [tsc, '--noEmit'], { cwd: folder, encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: '',
  })
  await run('npx', ['rouse', 'check'], folder)
  const open = `const { dockerWorker } = await import('rouse/workers/docker')
await dockerWorker('dock', { image: 'a' }).backend.open({ cluster: 'c', configDir: '.' })`
  await run(process.execPath, ['--input-type=module', '-e', open], folder)

  const url = await startMaster(folder)
  const page = await fetch(url)
  expect(page.headers.get('content-type')).toContain('text/html')
  const follow = await run('npx', ['rouse', 'force', 'hello', '--follow'], folder)
  expect(follow.stdout).toContain('hello from the package')
}, 300_000)

test('the package says on an old Node.js what to do', ({ skip }) => {
  const node20 = findNode20()
  if (!node20) return skip('needs a Node.js 20')
  const { status, stderr } = spawnSync(node20, ['bin/rouse.mjs', 'check'], {
    cwd: checkout,
    encoding: 'utf8',
  })
  expect(status).toBe(64)
  expect(stderr).toContain('ROUSE_NODE_TOO_OLD')
  expect(stderr).toContain('24')
})

async function pack(): Promise<string> {
  const folder = await tempDir()
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], checkout)
  const answer = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ]
  const paths = answer[0].files.map(({ path }) => path)
  expect(
    paths.filter((path) => /^(src|test|tools|bench)\/|\.tsx?$/.test(path.replace(/\.d\.ts$/, ''))),
  ).toEqual([])
  return join(folder, answer[0].filename)
}

async function startMaster(folder: string): Promise<string> {
  const master = spawn(process.execPath, ['node_modules/rouse/bin/rouse.mjs', 'start'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [master.stdout, master.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()))
  onTestFinished(async () => {
    const ended = new Promise((resolve) => master.once('exit', resolve))
    if (master.exitCode === null && master.kill('SIGTERM')) await ended
  })
  return await waitFor(
    'the master',
    async () => {
      if (master.exitCode !== null) throw new Error(output)
      const { url } = JSON.parse(await readFile(join(folder, 'rouse-data/master.json'), 'utf8')) as {
        url: string
      }
      return url
    },
    { timeout: 60_000 },
  )
}

async function run(command: string, args: string[], cwd: string) {
  return await promisify(execFile)(command, args, { cwd, env, timeout: 240_000, maxBuffer: 50_000_000 })
}

const config = `
import { defineMaster, localWorker, shell } from 'rouse'

export default defineMaster({
  listen: { host: '127.0.0.1', port: 0 },
  workers: [localWorker('here')],
  builders: [
    {
      name: 'hello',
      workers: ['here'],
      // The expression runs in a thread, whose code must have been packed, too.
      steps: [shell('echo hello from the package', { warningPattern: 'goodbye' })],
    },
  ],
})
`
// An error is expected, so that types which were not found (and so allow everything) are one.
const mistake = `
import { localWorker } from 'rouse'
import { dockerWorker } from 'rouse/workers/docker'
// @ts-expect-error
localWorker('here', { maxBuilds: 'two' })
dockerWorker('dock', { image: (p) => 'node:' + String(p.get('node')), instances: { max: 2 } })
// @ts-expect-error
dockerWorker('dock', { image: 24 })
`
const compilerOptions = {
  strict: true,
  module: 'nodenext',
  target: 'es2024',
  types: [],
  noEmit: true,
  exactOptionalPropertyTypes: true,
}

// As in a user's shell: with Node.js 24 first, and without what an outer npm tells its scripts.
const env = Object.fromEntries([
  ...Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
  ['PATH', [dirname(process.execPath), process.env.PATH].join(delimiter)],
])
