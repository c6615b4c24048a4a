import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { distinct, parseAddress } from '../../../src/reporters/mail/addresses.ts'

describe('an address', () => {
  test.each([
    ['bob@acme.example', '', 'bob@acme.example'],
    [' Bob Smith <bob.smith+ci@acme.example> ', 'Bob Smith', 'bob.smith+ci@acme.example'],
    ['"Smith, Bob" <bob@acme.example>', 'Smith, Bob', 'bob@acme.example'],
    ['root@localhost', '', 'root@localhost'],
    ['jörg <j@münchen.example>', 'jörg', 'j@xn--mnchen-3ya.example'],
  ])('%s is taken', (text, name, address) => {
    expect(parseAddress(text)).toEqual({ name, address })
  })

  test.each([
    'bob',
    '@acme.example',
    'bob@',
    'bob@acme example',
    'bob@acme.example, eve@acme.example',
    'bob@acme.example>',
    'Bob <bob@acme.example> <eve@acme.example>',
    'Bob <bob@acme.example>\r\nBcc: eve@acme.example',
    'Bob\r\nBcc: eve@acme.example <bob@acme.example>',
    'bob@acme.example\0',
    '.bob@acme.example',
    'a..b@acme.example',
    `${'x'.repeat(65)}@acme.example`,
    `bob@${'x'.repeat(300)}`,
    '"bob eve"@acme.example',
    'jörg@acme.example',
    undefined,
    7,
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test('never carries a line break, a comma, a quote or a bracket, whatever was given', () => {
    const near = fc.string({ unit: fc.constantFrom(...Array.from('ab@.<>\r\n\0"\', ;:\\ü')), maxLength: 30 })
    fc.assert(
      fc.property(fc.oneof(near, fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const parsed = parseAddress(text)
        if (!parsed) return
        expect(parsed.address).toMatch(/^[^\s<>",;:\\@]+@[a-zA-Z\d.-]+$/)
        expect(parsed.name).not.toMatch(/[\r\n\0"<>]/)
      }),
    )
  })
})

test('the same address in two spellings gets one mail, and nobody mails more than 100', () => {
  const one = distinct([parseAddress('Bob <bob@acme.example>')!, parseAddress('BOB@acme.example')!])
  expect(one).toEqual([{ name: 'Bob', address: 'bob@acme.example' }])
  const many = Array.from({ length: 200 }, (_, i) => parseAddress(`b${i}@acme.example`)!)
  expect(distinct(many)).toHaveLength(100)
})
