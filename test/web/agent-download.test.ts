import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { RouseError } from '../../src/model/errors.ts'
import { openNodeRuntime } from '../../src/node-runtime.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { ask } from './ask.ts'
import { testBundle, useTestWeb } from './start-test-web.ts'

const listener = { agentsListen: [{ host: '127.0.0.1', port: 0 }] }
const web = useTestWeb(listener)
const both = () => [web().url, web().web.agentUrls()[0]!]

test('every listener serves the agent with its checksum', async () => {
  for (const url of both()) {
    const { body, headers, status } = await ask(`${url}/agent/rouse-agent.mjs`)
    expect(status).toBe(200)
    expect(createHash('sha256').update(body).digest('hex')).toBe(testBundle.sha256)
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'rouse-agent-sha256': testBundle.sha256,
      etag: `"${testBundle.sha256}"`,
      'cache-control': 'no-cache',
    })
    const sum = await ask(`${url}/agent/rouse-agent.mjs.sha256`)
    expect(sum.body.toString()).toBe(`${testBundle.sha256}  rouse-agent.mjs\n`)
  }
})

test('who has the agent already is told so in few bytes', async () => {
  const headers = { 'if-none-match': `"other", W/"${testBundle.sha256}"` }
  const known = await ask(`${web().url}/agent/rouse-agent.mjs`, { headers })
  expect({ status: known.status, bytes: known.body.length }).toEqual({ status: 304, bytes: 0 })
  const other = await ask(`${web().url}/agent/rouse-agent.mjs`, { headers: { 'if-none-match': '"other"' } })
  expect(other.status).toBe(200)
})

const script = async (host?: string) => {
  const { body } = await ask(`${web().web.agentUrls()[0]}/agent/install.sh`, {
    headers: host === undefined ? {} : { host },
  })
  return body.toString()
}

test('install.sh names the master as it was reached', async () => {
  expect(await script()).toContain(`master='${web().web.agentUrls()[0]}'\n`)
  expect(await script('ci.internal:8010')).toContain(`master='http://ci.internal:8010'\n`)
  expect(await script('[::1]:8010')).toContain(`master='http://[::1]:8010'\n`)
})

const elsewhere = useTestWeb(listener, { agentsUrl: 'wss://agents.example:8011/' })

test('install.sh of an address that serves no agents names the one that does, where the config says it', async () => {
  const named = await ask(`${elsewhere().url}/agent/install.sh`)
  expect(named.body.toString()).toContain(`master='wss://agents.example:8011'\n`)
  const unnamed = await ask(`${web().url}/agent/install.sh`)
  expect(unnamed.body.toString()).toContain(`master=''\n`)
})

test.each([`x';touch${'\t'}owned;'`, '$(reboot)', 'a b', 'x/y', '`id`'])(
  'a Host header that is none does not get into install.sh: %s',
  async (host) => {
    const text = await script(host)
    expect(text).toMatch(/master=''\n/)
    expect(text).not.toContain(host)
  },
)

const other = useTestWeb(
  {},
  {
    url: 'https://ci.example/rouse/',
    agentBundle: () => Promise.reject(new RouseError('ROUSE_AGENT_BUNDLE', 'it is not there')),
  },
)

test('a master without an agent to give says what is to be done', async () => {
  for (const path of ['rouse-agent.mjs', 'rouse-agent.mjs.sha256', 'install.sh'])
    expect(await ask(`${other().url}/agent/${path}`)).toMatchObject({
      status: 503,
      json: { code: 'ROUSE_AGENT_BUNDLE', advice: expect.stringContaining('npm run build') },
    })
})

const open = useTestWeb({}, { url: 'https://ci.example/rouse/' })

test('install.sh names the public address when the master was reached by that', async () => {
  const { body } = await ask(`${open().url}/agent/install.sh`, { headers: { host: 'ci.example' } })
  expect(body.toString()).toContain(`master='https://ci.example/rouse'\n`)
})

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs install.sh in a folder of its own. */
async function install(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  shell = 'sh',
  prepare: (dir: string) => Promise<unknown> = async () => {},
): Promise<Ran & { dir: string }> {
  const dir = await tempDir()
  const file = join(dir, 'install.sh')
  await writeFile(file, await script())
  await prepare(dir)
  const options = { cwd: dir, env: { ...process.env, HOME: dir, ...env } }
  const ran = await promisify(execFile)(shell, [file, '--dir', 'agent', ...args], options).then(
    (done) => ({ ...done, code: 0 }),
    (error: Ran) => error,
  )
  return { dir, code: ran.code, stdout: ran.stdout, stderr: ran.stderr }
}

test.each(['sh', 'bash'])('install.sh installs the agent by %s and prints how to start it', async (shell) => {
  const { code, dir, stdout } = await install([], {}, shell)
  const agent = join(dir, 'agent/rouse-agent.mjs')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(
        `^start it with: \\S*node ${agent} --master ${web().web.agentUrls()[0]} --name NAME --password-file FILE\n$`,
      ),
    ),
  })
  expect(await readFile(agent)).toEqual(testBundle.bytes)
  expect((await stat(agent)).mode & 0o777).toBe(0o755)
})

const wget = spawnSync('wget', ['--version']).status === 0

test.for<[way: string, isThere: boolean, more: string[]]>([
  ['wget where there is no curl', wget, ['wget']],
  ['Node.js itself where there is neither curl nor wget', true, []],
])('install.sh fetches with %s', async ([, isThere, more], { skip }) => {
  if (!isThere) return skip('needs wget')
  const bin = await tempDir()
  for (const tool of ['cat', 'chmod', 'expr', 'id', 'mkdir', 'mv', 'printenv', 'rm', ...more]) {
    const { stdout } = await promisify(execFile)('sh', ['-c', `command -v ${tool}`])
    await symlink(stdout.trim(), join(bin, tool))
  }
  const { code, dir } = await install([], { PATH: bin, NODE: process.execPath }, '/bin/sh')
  expect(code).toBe(0)
  expect(await readFile(join(dir, 'agent/rouse-agent.mjs'))).toEqual(testBundle.bytes)
})

test.each([
  ['no Node.js', [], { NODE: '/nowhere/node' }, 'install Node.js 20 or newer'],
  ['half a login', ['--name', 'bot'], {}, '--password-file is missing'],
  ['an option that there is not', ['--nane', 'bot'], {}, 'unknown option --nane'],
  ['a master that is none', ['--master', 'ci.example'], {}, 'is no address'],
  ['a name that is none', ['--name', 'a b', '--password-file', 'x'], {}, 'is not the name of a worker'],
  [
    'a master that does not answer',
    ['--master', 'ws://127.0.0.1:1'],
    {},
    'cannot fetch the agent from http://127.0.0.1:1',
  ],
])('install.sh ends with 1 and installs nothing: %s', async (_, args, env, said) => {
  const { code, dir, stderr } = await install(args, env)
  expect(stderr).toContain(`install.sh: `)
  expect(stderr).toContain(said)
  expect(code).toBe(1)
  await expect(stat(join(dir, 'agent/rouse-agent.mjs'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('install.sh refuses an old Node.js', async () => {
  const dir = await tempDir()
  await writeFile(join(dir, 'node'), '#!/bin/sh\necho 18\n', { mode: 0o755 })
  const { code, stderr } = await install([], { NODE: join(dir, 'node') })
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('is Node.js 18') })
})

const damaged = useTestWeb({}, { agentBundle: async () => ({ ...testBundle, sha256: '0'.repeat(64) }) })

test('install.sh removes an agent that arrived damaged', async () => {
  const dir = await tempDir()
  const { body } = await ask(`${damaged().url}/agent/install.sh`)
  await writeFile(join(dir, 'install.sh'), body)
  const ran = promisify(execFile)('sh', ['install.sh', '--dir', 'agent'], { cwd: dir })
  await expect(ran).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('arrived damaged') })
  await expect(promisify(execFile)('ls', [join(dir, 'agent')])).resolves.toMatchObject({ stdout: '' })
})

test('install.sh starts a unit that runs already anew, with the Node.js that it was given', async ({
  skip,
}) => {
  if (process.getuid?.() !== 0) skip('needs root')
  const bin = await tempDir()
  const asked = join(bin, 'asked')
  await writeFile(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >>${asked}\n`, { mode: 0o755 })
  // Without an account of its own: this is somebody's machine.
  const login = ['--name', 'bot', '--password-file', 'bot.password', '--user', 'root']
  // Relative to the folder that it runs in, as a person may well write it.
  const { code, dir } = await install(
    [...login, '--systemd-dir', 'units', '--systemd'],
    {
      PATH: `${bin}:${process.env.PATH}`,
      NODE: './node',
    },
    'sh',
    async (folder) => {
      await symlink(process.execPath, join(folder, 'node'))
      await writeFile(join(folder, 'bot.password'), 'b0t')
    },
  )
  expect(code).toBe(0)
  const orders = (await readFile(asked, 'utf8')).split('\n')
  expect(orders).toEqual(['daemon-reload', 'enable rouse-agent-bot', 'restart rouse-agent-bot', ''])
  expect(await readFile(join(dir, 'units/rouse-agent-bot.service'), 'utf8')).toMatch(
    new RegExp(`^ExecStart=${dir}/\\./node ${dir}/agent/`, 'm'),
  )
})

test('install.sh writes a systemd unit', async () => {
  const login = ['--name', 'bot', '--password-file', 'bot.password', '--user', 'ci']
  const { code, dir } = await install([...login, '--systemd-dir', 'units', '--', '--max-spool', '100'])
  expect(code).toBe(0)
  const unit = await readFile(join(dir, 'units/rouse-agent-bot.service'), 'utf8')
  expect(unit).toContain(
    `/agent/rouse-agent.mjs --master ${web().web.agentUrls()[0]} --name bot --password-file ${dir}/bot.password --base-dir ${dir}/agent/bot --max-spool 100\n`,
  )
  expect(unit).toContain('User=ci\n')
  const odd = await install([...login, '--base-dir', 'a b', '--systemd-dir', 'units'])
  expect(odd).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot stand in a systemd unit') })
})

const runtime = openNodeRuntime()
const giving = useTestWeb({}, { nodeRuntime: runtime })

test('the Node.js of the master is there for machines like its own, with its checksum', async () => {
  const { machine, sha256, size } = (await runtime())!
  expect(machine).toBe(`${process.platform}-${process.arch}`)
  const { body, headers, status } = await ask(`${giving().url}/agent/node-${machine}`)
  expect({ status, length: Number(headers['content-length']) }).toEqual({ status: 200, length: size })
  expect(createHash('sha256').update(body).digest('hex')).toBe(sha256)
  const sum = await ask(`${giving().url}/agent/node-${machine}.sha256`)
  expect(sum.body.toString()).toBe(`${sha256}  node-${machine}\n`)
  const known = await ask(`${giving().url}/agent/node-${machine}`, {
    headers: { 'if-none-match': `"${sha256}"` },
  })
  expect({ status: known.status, bytes: known.body.length }).toEqual({ status: 304, bytes: 0 })
})

test('who asks for the Node.js of another kind of machine is told what there is', async () => {
  const { machine } = (await runtime())!
  const other = await ask(`${giving().url}/agent/node-sunos-sparc`)
  expect(other).toMatchObject({
    status: 404,
    json: { code: 'ROUSE_NOT_FOUND', message: expect.stringContaining(`only the one for ${machine}`) },
  })
})
