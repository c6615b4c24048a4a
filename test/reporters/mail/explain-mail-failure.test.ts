import { expect, test } from 'vitest'
import { explainMailFailure, type MailFailure } from '../../../src/reporters/mail/explain-mail-failure.ts'
import { mailSettings } from '../../../src/reporters/mail/settings.ts'

// What no server on this machine does on demand.
const failures: [string, Partial<MailFailure>, RegExp, RegExp?][] = [
  [
    'a name that the DNS does not know',
    { code: 'EDNS', originalCode: 'ENOTFOUND', message: 'queryA ENOTFOUND smtp.acme.example' },
    /^smtp\.acme\.example is not known to the DNS/,
    /relayhost/,
  ],
  [
    'a network that is cut',
    { code: 'ESOCKET', originalCode: 'EHOSTUNREACH', message: 'connect EHOSTUNREACH' },
    /^smtp\.acme\.example:25 cannot be reached/,
    /network/,
  ],
  [
    'a certificate that is out of date',
    { code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED', message: 'certificate has expired' },
    /^the certificate of smtp\.acme\.example:25 is out of date/,
    /Renew/,
  ],
  [
    'a relay that waits for TLS',
    { code: 'ETIMEDOUT', command: 'CONN', message: 'Greeting never received' },
    /took the connection and said nothing$/,
    /tls: 'implicit'/,
  ],
  [
    'a relay that is too slow',
    { code: 'ETIMEDOUT', command: 'CONN', message: 'Timeout' },
    /^smtp\.acme\.example:25 did not answer in time: Timeout$/,
  ],
  [
    'a relay that shuts down',
    { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 421, response: '421 4.3.2 shutting down' },
    /421 4\.3\.2 shutting down$/,
  ],
  [
    'an error of another kind',
    { message: 'something else' },
    /^smtp\.acme\.example:25 did not take the mail: some/,
  ],
]

test.each(failures)('%s is told in words, and tried again', (_, failure, message, advice) => {
  const settings = mailSettings({ fromaddr: 'ci@acme.example', relayhost: 'smtp.acme.example' })
  const error = explainMailFailure(Object.assign(new Error(failure.message), failure), settings)
  expect(error.message).toMatch(message)
  expect(error.advice ?? '').toMatch(advice ?? /^$/)
  expect(error.worth).toBe('later')
})

test('what a relay says stays one line of a bounded length', () => {
  const settings = mailSettings({ fromaddr: 'ci@acme.example' })
  const response = `554 ${'no '.repeat(1000)}\r\n\x1b[31mred`
  const failure = { code: 'EMESSAGE', command: 'DATA', responseCode: 554, response }
  const error = explainMailFailure(Object.assign(new Error('refused'), failure), settings)
  expect(error.message.length).toBeLessThan(400)
  expect(error.message).not.toMatch(/\p{Cc}/u)
  expect(error.worth).toBe('never')
})
