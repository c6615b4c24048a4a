import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { BackendError } from '../../../src/latent/backend-error.ts'
import { secret } from '../../../src/model/secret.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { engineForFile } from '../../helpers/docker/engine-for-file.ts'
import { plainImage } from '../../helpers/docker/test-images.ts'

const engine = engineForFile(plainImage)

test('an image is built from a Dockerfile once for each content of its context', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const context = join(engine.folder, 'app')
  await mkdir(join(context, 'logs'), { recursive: true })
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${plainImage}\nARG COLOUR\nCOPY . /app/\nENV PAINT=$COLOUR\n`,
  )
  await writeFile(join(context, 'one'), '1')
  await writeFile(join(context, '.dockerignore'), 'logs\n')
  const { backend, spec } = await engine.open({ build: { context: 'app', args: { COLOUR: 'red' } } })
  const imageOf = async (id: string) => {
    const { ref } = await backend.start(spec({ id }), call())
    return await engine.docker.getContainer(ref).inspect()
  }
  const first = await imageOf('built-1')
  expect(first.Config.Env).toContain('PAINT=red')
  await writeFile(join(context, 'logs/ignored'), 'x')
  expect((await imageOf('built-2')).Image).toBe(first.Image)
  await writeFile(join(context, 'one'), '2')
  const changed = await imageOf('built-3')
  expect(changed.Image).not.toBe(first.Image)
  await expect(engine.docker.getContainer('built-3').infoArchive({ path: '/app/one' })).resolves.toBeDefined()
  await expect(engine.docker.getContainer('built-3').infoArchive({ path: '/app/logs' })).rejects.toThrow(
    '404',
  )
})

test('a Dockerfile that cannot be built, or is not there, is rejected with what the build said', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  await mkdir(join(engine.folder, 'broken'))
  await writeFile(
    join(engine.folder, 'broken/Dockerfile'),
    `FROM ${plainImage}\nRUN echo no compiler here; exit 4\n`,
  )
  const broken = await engine.open({ build: { context: 'broken' } })
  await expectRejected(
    broken.backend.start(broken.spec(), call()),
    /returned a non-zero code: 4[^]*no compiler here/,
  )
  const missing = await engine.open({ build: { context: 'nowhere' } })
  await expectRejected(missing.backend.start(missing.spec(), call()), /nowhere.*no such file/)
})

test('a registry gets the login of the worker; an image that it does not have is rejected', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const logins: (string | undefined)[] = []
  const port = await startRegistry(logins)
  const auth = { username: 'ana', password: secret('REGISTRY') }
  const { backend, spec } = await engine.open(
    { image: `127.0.0.1:${port}/app:1`, auth },
    { REGISTRY: 'hunter2' },
  )
  await expectRejected(
    backend.start(spec(), call()),
    /cannot pull image 127\.0\.0\.1:\d+\/app:1: .*(unknown|not found)/,
  )
  expect(logins).toContain(`Basic ${Buffer.from('ana:hunter2').toString('base64')}`)
  expect(JSON.stringify(spec().template)).toContain('REGISTRY')
  expect(JSON.stringify(spec().template)).not.toContain('hunter2')
})

test("a registry that is away is nobody's fault", async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const { backend, spec } = await engine.open({ image: '127.0.0.1:1/app:1' })
  const error = await backend.start(spec(), call()).catch((thrown: unknown) => thrown)
  expect(error).not.toBeInstanceOf(BackendError)
  expect((error as Error).message).toMatch(/cannot pull image 127\.0\.0\.1:1\/app:1: .*connection refused/)
})

async function expectRejected(outcome: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await outcome.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'REJECTED', message: expect.stringMatching(message) as string })
}

/** A registry that wants a login and has no image. */
async function startRegistry(logins: (string | undefined)[]): Promise<number> {
  const server = createServer(({ headers, url }, response) => {
    logins.push(headers.authorization)
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    if (!headers.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
    } else if (url === '/v2/') response.end('{}')
    else {
      const errors = [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }]
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}
