import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { findLeaks } from '../helpers/find-leaks.ts'
import { runBuild, startBuild, endOf } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { watchProcesses } from '../helpers/watch-processes.ts'

const token = 'T0ken/4711+x=\'q"uoted'
const key = [
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  ...Array.from({ length: 6 }, (_, i) =>
    createHash('sha512').update(String(i)).digest('base64').slice(0, 70),
  ),
  '-----END OPENSSH PRIVATE KEY-----',
].join('\n')
/** What may stand nowhere: a key also not by one of its lines. */
const values = [token, ...key.split('\n').slice(1, -1)]

test('no secret of a build stands in a log, a table, a spool, a file or a process list, however it is printed', async () => {
  const master = await startMaster({
    config: `
import { printer } from './printer.ts'
const { defineMaster, localWorker, staticWorker, secret, shell, masterShell, httpRequest, step } = rouse
const [TOKEN, KEY] = [secret('TOKEN'), secret('KEY')]
const print = shell(printer, { name: 'print', env: { KEY, PLAIN: () => '[secret TOKEN]' }, stdin: TOKEN })
export default defineMaster({
  listen, secretsDir: process.env.SECRETS,
  workers: [staticWorker('bot', { password: secret('BOT') }), localWorker('here', { env: { TOKEN } })],
  builders: [
    { name: 'far', workers: ['bot'], env: { TOKEN: () => TOKEN }, steps: [print] },
    { name: 'near', workers: ['here'], steps: [print] },
    { name: 'master', workers: ['here'], steps: [
      masterShell(printer.replace('cat', 'true') + '; exit 3', { name: 'print', haltOnFailure: false, env: { TOKEN, KEY, PLAIN: () => '[secret TOKEN]', OWN_COMMAND: '1' } }),
      masterShell(['/no/such/program'], { name: 'missing', haltOnFailure: false, env: { TOKEN } }),
      httpRequest(process.env.ECHO, { name: 'echo', method: 'POST', haltOnFailure: false, headers: { 'x-key': TOKEN, authorization: secret('BEARER') }, body: KEY,
        decode: ({ body }) => ({ result: 'FAILURE', summary: body.slice(0, 200) }) }),
      httpRequest(process.env.ECHO + 'elsewhere', { name: 'redirect', haltOnFailure: false, headers: { 'x-key': TOKEN } }),
      httpRequest('http://127.0.0.1:1/', { name: 'bad header', haltOnFailure: false, headers: { 'x-key': KEY } }),
      step('throws', async (context) => {
        const { body } = await context.httpRequest({ url: process.env.ECHO, method: 'POST', body: TOKEN })
        throw new Error('it answered ' + body)
      }, { secrets: [TOKEN], alwaysRun: true }),
    ] },
  ],
})`,
    files: { 'printer.ts': `export const printer = ${JSON.stringify(printer)}\n` },
    env: {
      SECRETS: await secrets({ TOKEN: token, KEY: key, BEARER: `Bearer ${token}`, BOT: 'b0t' }),
      ECHO: await echo(),
    },
  })
  const { baseDir } = await master.agent('bot', 'b0t')
  const watched = watchProcesses(values, 'ROUSE_COMMAND_ID=')

  for (const builder of ['far', 'near']) {
    const { result, text: log } = await runBuild(master, builder)
    expect(result, log).toBe('SUCCESS')
    expect(log).toContain('\nplain ***\nPLAIN [secret TOKEN]\nsplit ***\n')
    expect(log).toMatch(/\nurl \*\*\*\nbase64 \*\*\*.{0,6}\n/)
    expect(log).toContain(`\ninput ***\nlength ${token.length}\n`)
    expect(log).toMatch(/\nkey \*\*\*\n/)
    expect(log).toMatch(/\nwrapped\n(\*\*\*\n)+.{0,12}\n?/)
  }
  const { leaks, seen } = await watched.end()
  expect(leaks).toEqual([])
  expect([...seen].some((name) => name.startsWith('sleep'))).toBe(true)

  const onMaster = await runBuild(master, 'master')
  expect(onMaster.steps.map(({ name, result, summary }) => `${name}: ${result} ${summary}`)).toEqual([
    'print: FAILURE exit code 3',
    expect.stringMatching(/^missing: FAILURE .*ENOENT/),
    expect.stringMatching(/^echo: FAILURE x-key \*\*\*, authorization \*\*\*, \*\*\*/),
    'redirect: FAILURE status 307',
    'bad header: EXCEPTION headers.x-key: its secret holds characters that a header cannot',
    'throws: EXCEPTION it answered x-key undefined, authorization undefined, ***',
  ])
  expect(onMaster.text).toContain('plain ***\nPLAIN [secret TOKEN]\nsplit ***\n')

  await master.cli('stop')
  await master.ended
  await master.start()
  expect(await findLeaks(master, [baseDir], values)).toEqual([])
  // It would have been found.
  const found = await findLeaks(master, [baseDir], [`length ${token.length}`, 'OWN_COMMAND'])
  expect(found).toContainEqual(expect.stringContaining('log_chunks of log'))
})

test('a secret may get another value while a command runs: the command goes on, the next one gets the new value', async () => {
  const dir = await secrets({ TOKEN: 'old-value-1', BOT: 'b0t' })
  const master = await startMaster({ config: gated(`secret('TOKEN')`), env: { SECRETS: dir } })
  const agent = await master.agent('bot', 'b0t')
  const { request } = await startBuild(master, 'gated')
  await waitFor('the command', async () => (await master.logText(1)).includes('begun ***'))
  await master.end('SIGKILL')
  await secrets({ TOKEN: 'new-value-2' }, dir)
  await master.start()
  await writeFile(join(agent.baseDir, 'gated/0/go'), '')
  const build = await endOf(master, request)
  expect(build).toMatchObject({ result: 'SUCCESS', attempt: 1 })
  expect(build.text).toContain(`ended ${sha256('old-value-1')}`)
  expect(build.text).toContain(`next ${sha256('new-value-2')} ***`)

  await secrets({ TOKEN: 'third-value' }, dir)
  await writeFile(join(agent.baseDir, 'gated/0/go'), '')
  expect((await runBuild(master, 'gated')).text).toContain(`next ${sha256('new-value-2')} ***`)
  expect(await master.cli('reconfig')).toMatchObject({ code: 0 })
  expect((await runBuild(master, 'gated')).text).toContain(`next ${sha256('third-value')} ***`)
  expect(await findLeaks(master, [agent.baseDir], ['old-value-1', 'new-value-2', 'third-value'])).toEqual([])
})

test('a secret that a reconfig took away ends the step that needs it, and says where it was looked for', async () => {
  const dir = await secrets({ TOKEN: 'old-value-1', BOT: 'b0t' })
  const master = await startMaster({ config: gated(`secret('TOKEN')`), env: { SECRETS: dir } })
  const agent = await master.agent('bot', 'b0t')
  const { request } = await startBuild(master, 'gated')
  await waitFor('the command', async () => (await master.logText(1)).includes('begun ***'))
  await rm(join(dir, 'TOKEN'))
  const refused = await master.cli('reconfig')
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stderr).toContain('secret TOKEN is missing')
  const config = join(master.dir, 'master.config.ts')
  await writeFile(
    config,
    `import * as rouse from 'rouse'\nconst listen = ${JSON.stringify({ host: '127.0.0.1', port: master.port })}\n${gated(`'text'`)}`,
  )
  expect(await master.cli('reconfig')).toMatchObject({ code: 0 })
  await writeFile(join(agent.baseDir, 'gated/0/go'), '')
  const build = await endOf(master, request)
  expect(build.results).toEqual(['wait SUCCESS', 'next EXCEPTION'])
  expect(build.steps[1]!.summary).toBe(
    `secret TOKEN is missing; looked in environment variable TOKEN (not set), TOKEN_FILE (not set), ${dir}/TOKEN (no such file)`,
  )
})

/** Prints TOKEN, KEY and its input in all the ways that builds do by accident. */
const printer = `
set -e; export TOKEN KEY
echo "plain $TOKEN"; echo "PLAIN $PLAIN"
printf 'split '; printf '%s' "$TOKEN" | cut -c1-5 | tr -d '\\n'; sleep 0.2; printf '%s' "$TOKEN" | cut -c6-
echo "url $(node -p 'encodeURIComponent(process.env.TOKEN)')"
echo "base64 $(printf '%s' "$TOKEN" | base64)"
printf 'input '; cat; echo; sleep 0.3
echo "length \${#TOKEN}"
echo "key $KEY"
echo wrapped; echo "$KEY" | base64
printf '%s' "$KEY" | base64 -w0 >&2; echo "$KEY" | sed 's/^/  > /' >&2
node -p 'JSON.stringify(process.env)' ; set -x; test "$TOKEN" = x || true`

const gated = (value: string) => `
const { defineMaster, staticWorker, secret, shell } = rouse
export default defineMaster({
  listen, secretsDir: process.env.SECRETS,
  workers: [staticWorker('bot', { password: secret('BOT') })],
  builders: [{ name: 'gated', workers: ['bot'], steps: [
    shell('echo "begun $TOKEN"; until [ -e go ]; do sleep 0.05; done; rm go; echo "ended $(printf %s "$TOKEN" | sha256sum)"; touch go', { name: 'wait', env: { TOKEN: ${value} } }),
    shell('echo "next $(printf %s "$TOKEN" | sha256sum | cut -c1-64) $TOKEN"', { name: 'next', env: { TOKEN: ${value} } }),
  ] }],
})`

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A folder with these secrets, outside of all that is searched. */
async function secrets(byName: Record<string, string>, dir?: string): Promise<string> {
  const folder = dir ?? (await tempDir())
  for (const [name, value] of Object.entries(byName)) await writeFile(join(folder, name), `${value}\n`)
  return folder
}

/** A server that says what it was sent; its URL. */
async function echo(): Promise<string> {
  const server = createServer((request, response) => {
    const { authorization, 'x-key': xKey } = request.headers
    if (request.url === '/elsewhere') return response.writeHead(307, { location: '/' }).end()
    const sent = `x-key ${String(xKey)}, authorization ${authorization?.replace('Bearer ', '')}`
    response.setHeader('x-again', String(xKey))
    text(request).then(
      (body) => response.end(`${sent}, ${body}`),
      () => response.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
