import { execFile, spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { RouseError } from '../../../src/model/errors.ts'
import { secret } from '../../../src/model/secret.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { startMailServer } from './mail-server.ts'
import { failureOf, message, send, toolsWith } from './send.ts'

const openssl = spawnSync('openssl', ['version']).status === 0
const needsOpenssl = openssl ? '' : ' (skipped: needs openssl)'

describe.skipIf(!openssl)(`an encrypted relay${needsOpenssl}`, () => {
  test('with a certificate of an authority of our own is trusted with it, and only with it', async () => {
    const { caFile, cert, key } = await makeCertificates()
    const server = await startMailServer({ key, cert })
    const at = { relayhost: 'localhost', port: server.port, tls: 'starttls' as const }
    const failure = await failureOf(send(at))
    expect(failure).toMatchObject({ worth: 'later', advice: expect.stringContaining('caFile') })
    expect(server.mails).toHaveLength(0)
    await send({ ...at, caFile })
    expect(server.mails).toMatchObject([{ encrypted: true }])
    expect(await failureOf(send({ ...at, caFile: '/nowhere/ca.pem' }))).toMatchObject({
      advice: expect.stringContaining('caFile'),
    })
  })

  test('with a certificate for another name is not trusted', async () => {
    const { caFile, cert, key } = await makeCertificates()
    const server = await startMailServer({ key, cert })
    const failure = await failureOf(send({ port: server.port, tls: 'starttls', caFile }))
    expect(failure).toMatchObject({ advice: expect.stringContaining('relayhost') })
    expect(failure.message).toContain('another name')
  })

  test('is used without asking who it is when encryption is welcome but not wanted', async () => {
    const { cert, key } = await makeCertificates()
    const server = await startMailServer({ key, cert })
    await send({ port: server.port })
    await send({ port: server.port, tls: 'none' })
    expect(server.mails.map(({ encrypted }) => encrypted)).toEqual([true, false])
  })

  test('that speaks TLS from the first byte takes mail by tls "implicit"', async () => {
    const { caFile, cert, key } = await makeCertificates()
    const server = await startMailServer({ key, cert, secure: true })
    await send({ relayhost: 'localhost', port: server.port, tls: 'implicit', caFile })
    expect(server.mails).toMatchObject([{ encrypted: true }])
  })

  test('is named in the advice when it is asked the wrong way', async () => {
    const server = await startMailServer()
    const implicit = await failureOf(send({ port: server.port, tls: 'implicit' }))
    expect(implicit.advice).toContain("tls: 'starttls'")
    const starttls = await failureOf(
      send({ port: (await startMailServer({ disabledCommands: ['STARTTLS'] })).port, tls: 'starttls' }),
    )
    expect(starttls.message).toContain('offers no STARTTLS')
    expect(starttls.advice).toContain("tls: 'implicit'")
  })

  test('takes the login, and refuses a wrong one with advice that shows no password', async () => {
    const { caFile, cert, key } = await makeCertificates()
    const server = await startMailServer({
      key,
      cert,
      authOptional: false,
      onAuth: ({ password, username }, _session, done) =>
        password === 'value of MAIL_PASSWORD'
          ? done(null, { user: username })
          : done(Object.assign(new Error('5.7.8 bad credentials'), { responseCode: 535 })),
    })
    const at = { relayhost: 'localhost', port: server.port, caFile, user: 'ci' }
    await send({ ...at, password: secret('MAIL_PASSWORD') })
    expect(server.mails).toMatchObject([{ encrypted: true, user: 'ci' }])
    const failure = await failureOf(send({ ...at, password: 'hunter2' }))
    expect(failure).toMatchObject({ worth: 'later', advice: expect.stringContaining('app password') })
    expect(`${failure.message}${failure.stack}${JSON.stringify(failure)}`).not.toContain('hunter2')
  })

  test('never gets a password unencrypted unless that is written out', async () => {
    const seen: unknown[] = []
    const server = await startMailServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username }, _session, done) => {
        seen.push(username)
        done(null, { user: username })
      },
    })
    const login = { port: server.port, user: 'ci', password: 'pw' }
    await failureOf(send(login))
    expect(seen).toEqual([])
    await send({ ...login, tls: 'none' })
    expect(seen).toEqual(['ci'])
  })
})

test('a relay that takes no login where one is given gets no mail', async () => {
  const server = await startMailServer({ disabledCommands: ['AUTH', 'STARTTLS'] })
  const failure = await failureOf(send({ port: server.port, user: 'ci', password: 'pw', tls: 'none' }))
  expect(failure.message).toContain('takes no login here')
  expect(server.mails).toHaveLength(0)
})

test('a secret that is not there is told by name', async () => {
  const missing = (name: string) => {
    throw new RouseError('ROUSE_SECRET_MISSING', `secret ${name} is not there`)
  }
  const login = { user: 'ci', password: secret('MAIL_PASSWORD') }
  const failure = await failureOf(send(login, message(), toolsWith({ secret: missing })))
  expect(failure.message).toBe('secret MAIL_PASSWORD is not there')
  expect(failure.advice).toContain('secrets folder')
})

/** An authority of our own, and a certificate by it for localhost. */
async function makeCertificates(): Promise<{ caFile: string; key: string; cert: string }> {
  const dir = await tempDir()
  const run = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: dir })
  const make = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ]
  await run(...make, '-subj', '/CN=Our authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  await run(
    ...[
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=localhost',
    ],
    ...['-keyout', 'key', '-out', 'request'],
  )
  await writeFile(join(dir, 'names'), 'subjectAltName=DNS:localhost\n')
  await run(
    ...[
      'x509',
      '-req',
      '-in',
      'request',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
    ],
    ...['-extfile', 'names', '-out', 'cert'],
  )
  const read = (name: string) => readFile(join(dir, name), 'utf8')
  return { caFile: join(dir, 'ca.pem'), key: await read('key'), cert: await read('cert') }
}
