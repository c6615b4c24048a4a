import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LoadedFacts } from '../../../src/reporters/load-facts.ts'
import type { MailContent } from '../../../src/reporters/mail/mail-content.ts'
import type { Draft } from '../../../src/reporters/reporter.ts'
import { createTestDatabase } from '../../helpers/database.ts'
import { freePort } from '../../helpers/free-port.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { tellBuild, tellBuildset, tellRequest, tellStep } from '../story.ts'
import { compose } from './compose.ts'
import { startMailServer } from './mail-server.ts'
import { failureOf, message, send, toolsWith } from './send.ts'

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

  test('about a build with hostile names has the headers it should have and no others', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.close())
    const { db } = database
    const evil = 'x\r\nBcc: mallory@evil.example\r\n\r\n<script>'
    const buildset = await tellBuildset(db, {
      branch: evil,
      reason: evil,
      changes: [{ author: evil, message: evil }, { author: 'Eve <eve@acme.example>\nBcc: m@evil.example' }],
      properties: [{ name: 'owner', value: 'ada@acme.example\r\nBcc: m@evil.example', source: 'force' }],
    })
    const request = await tellRequest(db, buildset, { builder: evil })
    const event = { type: 'request.completed' as const, request, result: 'FAILURE' as const }
    const options = { extraRecipients: ['"Te, am" <team@acme.example>'], lookup: 'acme.example' }
    const [draft] = await compose(database, event, options)
    const server = await startMailServer()
    await send({ port: server.port }, { ...message(), ...draft! })
    const { headers, html, recipients } = server.mails[0]!
    expect(recipients).toEqual(['team@acme.example'])
    expect(headers).toMatchObject({ to: '"Te, am" <team@acme.example>' })
    expect(Object.keys(headers).toSorted()).toEqual([
      'auto-submitted',
      'content-type',
      'date',
      'from',
      'in-reply-to',
      'list-id',
      'message-id',
      'mime-version',
      'references',
      'subject',
      'to',
      'x-auto-response-suppress',
    ])
    expect(html).not.toContain('<script>')
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
