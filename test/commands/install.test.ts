import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { rouse } from './helpers/run-cli.ts'

async function run(...args: string[]) {
  const ran = rouse(args)
  return { code: await ran.ended(), out: ran.out(), err: ran.err() }
}

/** What systemd thinks of a unit; undefined where it is not installed. */
async function verified(unit: string): Promise<string | undefined> {
  const file = join(await tempDir(), 'rouse-test.service')
  // Accounts and services of the machine are none of its business.
  await writeFile(
    file,
    unit.replace(/^User=.*$/m, 'User=root').replaceAll(/ (docker|postgresql)\.service/g, ''),
  )
  const { error, stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (error) return undefined
  return (stdout + stderr)
    .split('\n')
    .filter((line) => line.includes('rouse-test'))
    .join('\n')
}

const login = [
  '--master',
  'wss://ci.example',
  '--master',
  'ws://10.0.0.1:8011',
  '--name',
  'bot',
  '--password-file',
  '/etc/bot',
]

test('worker install prints the hardened unit of an agent, which systemd understands', async ({ skip }) => {
  const { code, out } = await run('worker', 'install', ...login, '--dry-run', '--max-spool', '100')
  expect(code).toBe(0)
  expect(out).toMatch(
    /^ExecStart=\S+ .*cli\.ts worker --master wss:\/\/ci\.example --master ws:\/\/10\.0\.0\.1:8011 --name bot --password-file \/\S+ --base-dir \/var\/lib\/rouse-worker\/bot --max-spool 100$/m,
  )
  for (const line of ['User=rouse-worker', 'KillMode=process', 'NoNewPrivileges=yes', 'ProtectSystem=full'])
    expect(out.split('\n')).toContain(line)
  const told = await verified(out)
  if (told === undefined) return skip('needs systemd-analyze')
  expect(told).toBe('')
})

const root = fileURLToPath(new URL('../..', import.meta.url))
const configOf = (workers: string) => `
import { defineMaster, localWorker, shell } from '${root}src/index.ts'
import { dockerWorker } from '${root}workers/docker/index.ts'
export default defineMaster({
  database: 'postgres://rouse@localhost/rouse',
  workers: [localWorker('one')${workers}],
  builders: [{ name: 'unit', workers: ['one'], steps: [shell('true')] }],
})`

async function configured(text = configOf(", dockerWorker('dock', { image: 'debian' })")): Promise<string> {
  const file = join(await tempDir(), 'master.config.ts')
  await writeFile(file, text)
  return file
}

test('install prints the unit of a master, which starts after the services that its config uses', async ({
  skip,
}) => {
  const file = await configured()
  const { code, err, out } = await run('install', '--config', file, '--dry-run')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('After=network-online.target postgresql.service docker.service\n')
  expect(out).toMatch(new RegExp(`^ExecStart=.* start --config ${file}$`, 'm'))
  expect(out).toMatch(new RegExp(`^ExecReload=.* reconfig --config ${file}$`, 'm'))
  expect(out).toContain('KillMode=process\n')
  const told = await verified(out)
  if (told === undefined) return skip('needs systemd-analyze')
  expect(told).toBe('')
})

test('both only write the unit where they are given a folder, and say what they did', async () => {
  const dir = await tempDir()
  const agent = await run('worker', 'install', ...login, '--systemd-dir', dir)
  expect(agent).toMatchObject({ code: 0, out: `wrote ${dir}/rouse-agent-bot.service\n` })
  expect(await readFile(join(dir, 'rouse-agent-bot.service'), 'utf8')).toContain('--password-file /etc/bot ')
  const file = await configured(configOf(''))
  const master = await run('install', '--config', file, '--systemd-dir', dir, '--name', 'ci', '--json')
  expect(JSON.parse(master.out)).toMatchObject({ name: 'ci', done: [`wrote ${dir}/ci.service`] })
  expect(await readFile(join(dir, 'ci.service'), 'utf8')).toContain(
    'After=network-online.target postgresql.service\n',
  )
})

test.each([
  [['worker', 'install', ...login], 'say --systemd'],
  [['worker', 'install', '--dry-run', '--name', 'bot'], '--master is missing'],
  [['worker', 'install', ...login, '--dry-run', '--base-dir', '/a b'], 'cannot stand in a systemd unit'],
  [['install'], 'say --systemd'],
])('%j is refused', async (args, said) => {
  expect(await run(...args)).toMatchObject({ code: 64, err: expect.stringContaining(said) })
})

test('a config with mistakes is not installed', async () => {
  const file = await configured('export default { workers: 7 }')
  const { code, err } = await run('install', '--config', file, '--dry-run')
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('rouse check') })
})
