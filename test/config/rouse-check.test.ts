import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { configFolder, rightConfig } from '../helpers/config-folder.ts'
import { runNode } from '../helpers/run-node.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

async function check(
  files: Record<string, string>,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) {
  const cwd = await configFolder(files)
  return { cwd, ...(await runNode([cli, 'check', ...args], { cwd, env })) }
}

const wrongConfig = `
import { defineMaster, staticWorker, localWorker, secret, shell } from 'rouse'

export default defineMaster({
  workers: [
    localWorker('dock', { maxBuilds: '2' as any }),
    staticWorker('bot', { password: secret('BOT'), maxBuild: 3 } as any),
    localWorker('spare'),
  ],
  builders: [{ name: 'unit', workers: ['dokc', 'bot', 'dock'], steps: [shell('npm ci'), 'npm test' as any] }],
})
`

test('rouse check says how large a right config is, and ends with 0', async () => {
  const { code, stdout, stderr } = await check({ 'master.config.ts': rightConfig })
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'master.config.ts is right: 1 worker, 1 builder\n',
    stderr: '',
  })
})

test('rouse check prints all mistakes at once and ends with 1', async () => {
  const { code, stdout, stderr, cwd } = await check({ 'master.config.ts': wrongConfig })
  expect(stdout).toBe(
    `error    workers[0].maxBuilds must be a positive integer, got "2"
error    workers[1].maxBuild is not an option of a static worker; did you mean "maxBuilds"?
error    builders[0].steps[1]: this is not a step: got "npm test"; did you mean shell("npm test")?
error    builders[0].workers[0]: builder "unit" names worker "dokc"; did you mean "dock"?
warning  workers[2]: no builder uses worker "spare"
warning  workers[1].password: secret BOT is missing; looked in environment variable BOT (not set), BOT_FILE (not set), ${cwd}/secrets/BOT (no such file)

4 errors, 2 warnings
`,
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
})

const needsSecret = rightConfig
  .replace('localWorker(', 'staticWorker(')
  .replace("'local-1')", "'local-1', { password: secret('BOT') })")
  .replace('localWorker', 'secret, staticWorker')

test('a missing secret is only a warning, and its value is never printed', async () => {
  const without = await check({ 'master.config.ts': needsSecret })
  expect(without.stdout).toMatch(/^warning {2}workers\[0\]\.password: secret BOT is missing/)
  expect(without.stdout).toMatch(/\n\nmaster\.config\.ts is right: 1 worker, 1 builder, 1 warning\n$/)
  expect(without.code).toBe(0)

  const given = await check({ 'master.config.ts': needsSecret, 'secrets/BOT': 'hunter2' })
  expect(given.stdout).toBe('master.config.ts is right: 1 worker, 1 builder\n')
})

test('rouse check --json prints one object, wherever --json stands', async () => {
  const files = { 'master.config.ts': needsSecret.replace("name: 'unit'", "name: 'a b'") }
  const { code, stdout } = await check(files, ['--json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toEqual({
    ok: false,
    problems: [
      {
        path: 'builders[0].name',
        severity: 'error',
        message: expect.stringContaining('builders[0].name must be a name'),
      },
      { path: 'workers[0].password', severity: 'warning', message: expect.stringContaining('secret BOT') },
    ],
  })
  const cwd = await configFolder({ 'master.config.ts': rightConfig })
  const before = await runNode([cli, '--json', 'check'], { cwd })
  expect(before).toEqual({ code: 0, stdout: '{"ok":true,"problems":[]}\n', stderr: '' })
})

test('rouse check --config takes another file, and names all files that it merged', async () => {
  const files = {
    'ci/acme.ts': rightConfig,
    'ci/acme.production.ts': `export default { workers: [{ kind: 'local', name: 'more' }] }`,
  }
  const { code, stdout } = await check(files, ['--config', 'ci/acme.ts'], { ROUSE_ENV: 'production' })
  expect(stdout).toBe(
    'warning  workers[1]: no builder uses worker "more"\n\nacme.ts + acme.production.ts is right: 2 workers, 1 builder, 1 warning\n',
  )
  expect(code).toBe(0)
})

test.each([
  [{}, 'ROUSE_CONFIG_NOT_FOUND: there is no master.config.ts in '],
  [
    { 'master.config.ts': '\nthrow new Error("boom")' },
    'ROUSE_CONFIG_NOT_LOADED: master.config.ts:2: boom\n',
  ],
])('a config that cannot be read is an error with advice: %j', async (files, message) => {
  const { code, stdout } = await check(files)
  expect(stdout.startsWith(`error    ${message}`)).toBe(true)
  expect(stdout).toMatch(/\n {9}[A-Z].*\.\n\n1 error\n$/)
  expect(code).toBe(1)
  const { stdout: json } = await check(files, ['--json'])
  expect(JSON.parse(json)).toMatchObject({ ok: false, problems: [{ path: '', severity: 'error' }] })
})

test('colours appear only where they are wanted', async () => {
  const files = { 'master.config.ts': wrongConfig }
  const escape = '\u001b['
  expect((await check(files)).stdout).not.toContain(escape)
  expect((await check(files, [], { CI: '1' })).stdout).not.toContain(escape)
  expect((await check(files, [], { FORCE_COLOR: '1' })).stdout).toContain(
    `${escape}31merror${escape}39m    workers`,
  )
  expect((await check(files, [], { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout).not.toContain(escape)
})

test('a wrong call ends with 64', async () => {
  expect(await check({}, ['--wrong'])).toMatchObject({ code: 64, stdout: '' })
})
