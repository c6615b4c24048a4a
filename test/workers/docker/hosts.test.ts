import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createSecureServer } from 'node:tls'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { call } from '../../backends/contract/contract-context.ts'
import { engineForFile } from '../../helpers/docker/engine-for-file.ts'
import { plainImage } from '../../helpers/docker/test-images.ts'

const engine = engineForFile(plainImage)

test('an engine is reached by TCP', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const port = await listen(createServer(relay))
  const { backend, spec } = await engine.open({ image: plainImage, docker: `tcp://127.0.0.1:${port}` })
  await backend.start(spec({ id: 'by-tcp' }), call())
  expect((await backend.list(call())).map(({ id }) => id)).toEqual(['by-tcp'])
})

test('an engine is reached by TLS with the certificate of a client, and its own must be of the authority', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  if (spawnSync('openssl', ['version']).status !== 0) return skip('needs openssl')
  await makeCertificates(engine.folder)
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(engine.folder, name))),
  )
  const options = { ca: ca!, cert: cert!, key: key!, requestCert: true, rejectUnauthorized: true }
  const port = await listen(createSecureServer(options, relay).on('tlsClientError', () => {}))
  const host = `tcp://127.0.0.1:${port}`
  const known = await engine.open({
    image: plainImage,
    docker: { host, ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
  })
  await known.backend.start(known.spec({ id: 'by-tls' }), call())
  expect((await known.backend.list(call())).map(({ id }) => id)).toEqual(['by-tls'])

  const wary = await engine.open({
    image: plainImage,
    docker: { host, ca: 'other-ca.pem', cert: 'cert.pem', key: 'key.pem' },
  })
  await expect(wary.backend.list(call())).rejects.toThrow(/cannot be reached: .*certificate/)
})

test('a socket of the master cannot be mounted by an engine on another machine', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const port = await listen(createServer(relay))
  const { agentOf, backend, spec } = await engine.open({
    image: plainImage,
    docker: `tcp://127.0.0.1:${port}`,
  })
  const outcome = backend.start(spec({ agent: agentOf('unix:/run/rouse.sock') }), call())
  await expect(outcome).rejects.toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/^agentUrl: /) as string,
  })
})

function relay(socket: Socket): void {
  const engines = connect(engine.host.slice('unix://'.length))
  socket.pipe(engines).pipe(socket)
  for (const [one, other] of [
    [socket, engines],
    [engines, socket],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Two authorities, and a certificate of the first that serves as server's and client's. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (args: string) => promisify(execFile)('openssl', args.split(' '), { cwd: folder })
  for (const name of ['ca', 'other-ca'])
    await openssl(
      `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.pem`,
    )
  await openssl('req -newkey rsa:2048 -nodes -subj /CN=engine -keyout key.pem -out request.pem')
  await writeFile(join(folder, 'extensions'), 'subjectAltName=IP:127.0.0.1\n')
  await openssl(
    'x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions -out cert.pem',
  )
}
