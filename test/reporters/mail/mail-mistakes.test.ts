import { expect, test } from 'vitest'
import { secret } from '../../../src/model/secret.ts'
import { defaultMailNotifier } from '../../../src/reporters/mail/default-mail-notifier.ts'
import { mailNotifier } from '../../../src/reporters/mail/mail-notifier.ts'
import type { ReporterDescription } from '../../../src/reporters/reporter-description.ts'
import type { MailOptions } from '../../../src/reporters/mail/mail-options.ts'

function mistakesOf(options: Record<string, unknown>): readonly string[] {
  const all = { fromaddr: 'ci@acme.example', ...options } as MailOptions
  return mailNotifier(all).mistakes(all)
}

test('a notifier with every option has no mistakes', () => {
  const all: Required<MailOptions> = {
    name: 'to-the-team',
    fromaddr: 'Acme CI <ci@acme.example>',
    relayhost: 'smtp.acme.example',
    port: 587,
    tls: 'starttls',
    caFile: '/etc/ssl/acme.pem',
    user: 'ci',
    password: secret('MAIL_PASSWORD'),
    builders: ['unit'],
    workers: ['bot'],
    mode: ['failing', 'problem'],
    perBuildset: true,
    extraRecipients: ['team@acme.example'],
    sendToInterestedUsers: false,
    owners: true,
    lookup: (name) => `${name}@acme.example`,
    subject: ({ result }) => result,
    body: (_report, { html, text }) => ({ text, html }),
    workerSubject: ({ worker }) => worker.name,
    workerBody: ({ event }) => event.type,
    addLogs: ['stdio'],
    addArtifacts: true,
    maxAttachmentSize: 0,
    extraHeaders: { 'X-Team': 'builds' },
    replyTo: ['team@acme.example', 'Bob <bob@acme.example>'],
  }
  const description = mailNotifier(all)
  expect(description).toMatchObject({ kind: 'mail', name: 'to-the-team' })
  expect(description.mistakes(all)).toEqual([])
  expect(JSON.stringify(description.options)).toContain('[secret MAIL_PASSWORD]')
  expect(mistakesOf({ relayhost: '::1', lookup: 'acme.example', mode: 'all', tls: 'none' })).toEqual([])
})

test.each([
  [{ fromaddr: undefined }, /^fromaddr: is missing: it must be an address such as 'ci@acme.example'/],
  [{ fromaddr: 'ci@acme.example\r\nBcc: eve@x.example' }, /^fromaddr: must be an address/],
  [{ relayhost: 25 }, /^relayhost: must be a host name or an IP address, .*, got 25$/],
  [{ relayhost: 'smtp://acme' }, /^relayhost: must be a host name/],
  [{ relayhst: 'x' }, /^relayhst: is no option; did you mean "relayhost"\?$/],
  [{ port: '25' }, /^port: must be a port from 1 to 65535, got "25"$/],
  [{ tls: 'startls' }, /^tls: must be one of .*, got "startls"; did you mean "starttls"\?$/],
  [{ tls: true }, /^tls: must be one of .*, got true$/],
  [{ caFile: 'ca.pem' }, /^caFile: must be an absolute path/],
  [{ user: 'ci' }, /^password: is missing: /],
  [{ password: 'x' }, /^user: is missing: /],
  [{ user: 'ci', password: 7 }, /^password: must be secret\('NAME'\) or a string that is not empty$/],
  [{ user: 'ci', password: `x${secret('PW')}` }, /^password: a secret cannot be put into a string/],
  [
    { user: 'ci', password: 'x', tls: 'opportunistic' },
    /^tls: must be 'starttls' or 'implicit' with a password/,
  ],
  [{ builders: 'unit' }, /^builders: must be an array of builders' names, or \[\] for none, got "unit"$/],
  [{ workers: 'bot' }, /^workers: must be true, false or an array of names, got "bot"$/],
  [{ builders: [], workers: false }, /^builders: with \[\] and no workers nothing would ever be sent$/],
  [{ mode: 'failng' }, /^mode: must be one of .*, got "failng"; did you mean "failing"\?$/],
  [{ mode: [] }, /^mode: must have at least one mode; .* builders: \[\]$/],
  [{ extraRecipients: ['bob'] }, /^extraRecipients: must be an address such as .*, got "bob"$/],
  [{ extraRecipients: 'bob@acme.example' }, /^extraRecipients: must be an array of addresses/],
  [{ lookup: 'not a domain' }, /^lookup: must be a domain such as/],
  [{ subject: 'unit failed' }, /^subject: must be a function, got "unit failed"$/],
  [{ addLogs: 'yes' }, /^addLogs: must be true, false or an array of names, got "yes"$/],
  [{ maxAttachmentSize: 1e9 }, /^maxAttachmentSize: must be a number of bytes of at most/],
  [
    { extraHeaders: { Bcc: 'eve@x.example' } },
    /^extraHeaders: "Bcc" must be a header that Rouse does not write/,
  ],
  [{ extraHeaders: { 'X-A': 'a\r\nBcc: eve@x.example' } }, /^extraHeaders: X-A must be one line of ASCII/],
  [{ extraHeaders: { 'X-A: b\r\nBcc': 'x' } }, /^extraHeaders: "X-A: b\\r\\nBcc" must be a header/],
  [{ replyTo: ['x'] }, /^replyTo: must be an address/],
  [{ name: 'a b' }, /^name: must be a name of letters/],
] as [Record<string, unknown>, RegExp][])('%j is reported with what would be right', (options, mistake) => {
  const mistakes = mistakesOf(options)
  expect(mistakes).toHaveLength(1)
  expect(mistakes[0]).toMatch(mistake)
})

test('a password is in no message', () => {
  const options = { fromaddr: 7, user: 'ci', password: ['hunter2'], tls: 'hunter' }
  expect(mistakesOf(options).join('\n')).not.toContain('hunter2')
})

test('options that are none at all are reported, not thrown', () => {
  for (const none of [undefined, null, 'x', []]) {
    const { mistakes, name, options } = mailNotifier(none as unknown as MailOptions)
    expect(name).toBe('mail')
    expect(mistakes(options)).toEqual([expect.stringMatching(/^must be given its options/)])
  }
})

test('a notifier is for all builds, for those of some builders, for buildsets, or for workers only', () => {
  const interestOf = (options: Partial<MailOptions>) =>
    open(mailNotifier({ fromaddr: 'ci@acme.example', ...options })).interest
  const workers = ['worker.missing', 'worker.recovered', 'worker.flapping']
  expect(interestOf({})).toEqual({ events: ['request.completed', ...workers] })
  expect(interestOf({ builders: ['unit'] })).toEqual({
    events: ['request.completed', ...workers],
    builders: ['unit'],
  })
  expect(interestOf({ perBuildset: true })).toEqual({ events: ['buildset.completed', ...workers] })
  expect(interestOf({ workers: false })).toEqual({ events: ['request.completed'] })
  expect(interestOf({ builders: [] })).toEqual({ events: workers, builders: [] })
})

test('without a notifier mail about workers goes out by this machine, from the host that people know', () => {
  const known = defaultMailNotifier({ title: 'Acme', url: 'https://ci.acme.example/' })
  expect(known).toMatchObject({
    name: 'mail',
    options: { fromaddr: 'rouse@ci.acme.example', relayhost: 'localhost', builders: [] },
  })
  for (const url of ['http://127.0.0.1:8010/', 'http://[::1]:8010/', 'http://localhost:8010/', 'nonsense']) {
    const { mistakes, options } = defaultMailNotifier({ title: 'Acme', url })
    expect(mistakes(options)).toEqual([])
    expect(options).toMatchObject({ fromaddr: expect.stringMatching(/^rouse@[\w.-]+$/) })
    expect(JSON.stringify(options)).not.toContain('127.0.0.1')
  }
})

function open({ name, open, options }: ReporterDescription) {
  return open(options, name)
}
