import { execFile, spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DeliveryError } from '../../../src/reporters/delivery-error.ts'
import { LoadedFacts } from '../../../src/reporters/load-facts.ts'
import { mailNotifier } from '../../../src/reporters/mail/mail-notifier.ts'
import type { MailContent } from '../../../src/reporters/mail/mail-content.ts'
import type { MailOptions } from '../../../src/reporters/mail/mail-options.ts'
import type { Draft, Message, Receipt, SendTools } from '../../../src/reporters/reporter.ts'
import { RouseError } from '../../../src/model/errors.ts'
import { secret } from '../../../src/model/secret.ts'
import { createTestDatabase } from '../../helpers/database.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { tellBuild, tellBuildset, tellRequest, tellStep } from '../story.ts'
import { startMailServer } from './mail-server.ts'

const openssl = spawnSync('openssl', ['version']).status === 0
const needsOpenssl = openssl ? '' : ' (skipped: needs openssl)'

const bob = { name: 'Bob', address: 'bob@acme.example' }
const eve = { name: '', address: 'eve@acme.example' }

function message(more: Partial<MailContent> = {}): Message {
  const content: MailContent = {
    to: [bob, eve],
    text: 'Grüße\n',
    html: '<p>Grüße</p>\n',
    thread: 'a1b2',
    listId: '<unit.builders.ci.acme.example>',
    attachments: [],
    ...more,
  }
  return {
    id: 'cluster-17.3',
    target: 'bob@acme.example, eve@acme.example',
    subject: '[Acme] FAILURE: unit – main',
    content,
    createdAt: new Date('2026-11-21T01:04:10Z'),
    attempt: 1,
  }
}

function toolsWith(more: Partial<SendTools> = {}): SendTools {
  return {
    signal: AbortSignal.timeout(30_000),
    secret: (name) => `value of ${name}`,
    facts: undefined as never,
    site: { title: 'Acme', url: 'https://ci.acme.example/' },
    ...more,
  }
}

function send(
  options: Partial<MailOptions>,
  mail: Message = message(),
  tools: SendTools = toolsWith(),
): Promise<Receipt | void> {
  const all = { fromaddr: 'Acme CI <ci@acme.example>', relayhost: '127.0.0.1', ...options }
  const description = mailNotifier(all)
  expect(description.mistakes(all)).toEqual([])
  return description.open(all, 'mail').send(mail, tools)
}

async function failureOf(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('a mail', () => {
  test('reaches all its recipients as one message, with text and HTML, and leaves no connection open', async () => {
    const server = await startMailServer()
    expect(
      await send({ port: server.port, replyTo: 'team@acme.example', extraHeaders: { 'X-Team': 'builds' } }),
    ).toBeUndefined()
    expect(server.mails).toHaveLength(1)
    const mail = server.mails[0]!
    expect(mail).toMatchObject({
      from: 'ci@acme.example',
      recipients: ['bob@acme.example', 'eve@acme.example'],
      text: 'Grüße\n',
      html: '<p>Grüße</p>\n',
    })
    expect(mail.headers).toMatchObject({
      from: 'Acme CI <ci@acme.example>',
      to: 'Bob <bob@acme.example>, eve@acme.example',
      'reply-to': 'team@acme.example',
      subject: '[Acme] FAILURE: unit – main',
      date: 'Sat, 21 Nov 2026 01:04:10 +0000',
      'message-id': '<cluster-17.3.rouse@acme.example>',
      references: '<a1b2.rouse@acme.example>',
      'in-reply-to': '<a1b2.rouse@acme.example>',
      'auto-submitted': 'auto-generated',
      'list-id': '<unit.builders.ci.acme.example>',
      'x-team': 'builds',
    })
    await waitFor('the end of the connection', () => server.open() === 0)
  })

  test('that a relay takes and does not confirm is sent again under the same Message-ID', async () => {
    let tries = 0
    const server = await startMailServer({ answer: () => (++tries === 1 ? 'drop' : undefined) })
    const failure = await failureOf(send({ port: server.port }))
    expect(failure.worth).toBe('later')
    await send({ port: server.port }, { ...message(), attempt: 2 })
    const ids = server.mails.map(({ headers }) => headers['message-id'])
    expect(ids).toEqual([ids[0], ids[0]])
  })

  test('brings logs and artifacts, and says so when one is gone meanwhile', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.close())
    const { db } = database
    const build = await tellBuild(db, await tellRequest(db, await tellBuildset(db)))
    const { log } = await tellStep(db, build, { number: 1, name: 'test', result: 'FAILURE', log: 'oops\n' })
    const config = () => ({ workers: [], builders: [] })
    const facts = new LoadedFacts({ db, config, artifactPath: (path) => path })
    const server = await startMailServer()
    const attachments: MailContent['attachments'] = [
      { kind: 'log', id: log!, filename: 'unit.test.stdio.txt', type: 'text/plain; charset=utf-8', size: 5 },
      { kind: 'artifact', id: 99, filename: 'app.tgz', type: 'application/gzip', size: 3 },
    ]
    await send({ port: server.port }, message({ attachments }), toolsWith({ facts }))
    const shown = server.mails[0]!.attachments.map(({ content, filename }) => [filename, content.toString()])
    expect(shown).toEqual([
      ['unit.test.stdio.txt', 'oops\n'],
      ['app.tgz.missing.txt', 'It was removed before this mail was sent.'],
    ])
  })

  test('whose text or subject names files or addresses does not make the master read them', async () => {
    const server = await startMailServer()
    const subject = 'unit\r\nBcc: mallory@evil.example'
    await send({ port: server.port }, { ...message({ text: 'file:///etc/passwd' }), subject })
    const { headers, recipients, text } = server.mails[0]!
    expect(text).toBe('file:///etc/passwd')
    expect(headers).not.toHaveProperty('bcc')
    expect(recipients).toEqual(['bob@acme.example', 'eve@acme.example'])
  })
})

describe('a relay that refuses', () => {
  test('some recipients brings it to the others, and tells whom not', async () => {
    const server = await startMailServer({
      refuse: (address) => (address.startsWith('eve') ? '550 no such user' : undefined),
    })
    const receipt = await send({ port: server.port })
    expect(receipt).toEqual({ note: 'refused for eve@acme.example: 550 no such user' })
    expect(server.mails[0]!.recipients).toEqual(['bob@acme.example'])
  })

  test('some recipients for now gets the mail for those again, and it is the same mail', async () => {
    let tries = 0
    const server = await startMailServer({
      refuse: (address) => (address.startsWith('eve') && ++tries === 1 ? '451 greylisted' : undefined),
    })
    const receipt = await send({ port: server.port })
    expect(receipt).toMatchObject({
      note: 'refused for eve@acme.example: 451 greylisted',
      rest: { target: 'eve@acme.example' },
    })
    // What is stored is JSON.
    const rest = JSON.parse(JSON.stringify(receipt!.rest)) as Draft
    expect(await send({ port: server.port }, { ...message(), ...rest })).toBeUndefined()
    expect(server.mails.map(({ recipients }) => recipients)).toEqual([
      ['bob@acme.example'],
      ['eve@acme.example'],
    ])
    const [first, second] = server.mails.map(({ headers }) => [headers['message-id'], headers.to])
    expect(second).toEqual(first)
  })

  test('every recipient is not asked again', async () => {
    const server = await startMailServer({ refuse: () => '554 5.7.1 relay access denied' })
    const failure = await failureOf(send({ port: server.port }))
    expect(failure).toMatchObject({ worth: 'never', advice: expect.stringContaining('relaying') })
    expect(failure.message).toContain('refused for bob@acme.example: 554 5.7.1 relay access denied')
    expect(failure.message).toContain('eve@acme.example')
  })

  test('every recipient, one of them for now, is asked again', async () => {
    const server = await startMailServer({
      refuse: (address) => (address.startsWith('eve') ? '451 greylisted' : '550 no such user'),
    })
    expect(await failureOf(send({ port: server.port }))).toMatchObject({ worth: 'later' })
  })

  test('the sender is not asked again, and the advice is about the sender', async () => {
    const server = await startMailServer({
      onMailFrom: (_address, _session, done) =>
        done(Object.assign(new Error('5.7.1 not your domain'), { responseCode: 553 })),
    })
    const failure = await failureOf(send({ port: server.port }))
    expect(failure).toMatchObject({ worth: 'never', advice: expect.stringContaining('fromaddr') })
    expect(failure.message).toContain('refused the sender ci@acme.example: 553 5.7.1 not your domain')
  })

  test.each([
    ['451 try later', 'later'],
    ['554 this is spam', 'never'],
  ])('the content with "%s" gets another try: %s', async (answer, worth) => {
    const server = await startMailServer({ answer: () => answer })
    const failure = await failureOf(send({ port: server.port }))
    expect(failure).toMatchObject({ worth })
    expect(failure.message).toContain(answer)
  })

  test('a mail for its size says what to lower', async () => {
    const server = await startMailServer({ answer: () => '552 5.3.4 more than 10 MB' })
    const failure = await failureOf(send({ port: server.port }))
    expect(failure).toMatchObject({ worth: 'never', advice: expect.stringContaining('maxAttachmentSize') })
  })
})

describe('a relay that is not there', () => {
  test('gets another try, and the advice names the options', async () => {
    const port = await freePort()
    const failure = await failureOf(send({ port }))
    expect(failure).toMatchObject({ worth: 'later', advice: expect.stringContaining('relayhost') })
    expect(failure.message).toBe(`nothing takes mail at 127.0.0.1:${port}: the connection was refused`)
  })

  test('by its name neither', async () => {
    const failure = await failureOf(send({ relayhost: 'relay.invalid' }))
    expect(failure).toMatchObject({ worth: 'later', advice: 'Check `relayhost`.' })
  })

  test('but takes connections and says nothing is given up when the time is over', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const sockets = new Set<{ destroy(): void }>()
    server.on('connection', (socket) => sockets.add(socket))
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    const over = new AbortController()
    const sending = failureOf(
      send({ port: (server.address() as AddressInfo).port }, message(), toolsWith({ signal: over.signal })),
    )
    await waitFor('the connection', () => sockets.size === 1)
    over.abort()
    expect(await sending).toMatchObject({ worth: 'later', message: expect.stringContaining('in time') })
  })
})

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
