import fc from 'fast-check'
import { expect, test } from 'vitest'
import { element, elementAt, parseXml, xmlText } from '../../../workers/libvirt/xml.ts'

test('what is written is read as it was, whatever it says', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one.trim() !== '' && isXml(one))
  fc.assert(
    fc.property(text, text, (value, content) => {
      const one = element('a', { value }, [element('b', {}, [content])])
      expect(parseXml(xmlText(one))).toEqual([one])
    }),
  )
})

test('a value cannot become an element', () => {
  const name = '"/></domain><domain>&lt;'
  const [read] = parseXml(xmlText(element('domain', { name }, [name])))
  expect(read).toEqual({ name: 'domain', attributes: { name }, children: [name] })
})

test('declarations, comments and character data are understood', () => {
  const [read] = parseXml(
    `<?xml version='1.0'?>\n<!-- a > b --><a x = "1" y='&quot;&#x41;&#66;'>\n  <b/>\n<![CDATA[<c/>]]> </a>`,
  )
  expect(read).toMatchObject({ attributes: { x: '1', y: '"AB' } })
  expect(elementAt(read!, 'b')).toEqual(element('b'))
  expect(read!.children).toContain('<c/>')
})

test('what is not well-formed, or declares entities, is refused', () => {
  const wrong = [
    ...['<a>', '</a>', '<a></b>', '<a><b></a></b>', '<a x=1/>', '<a x="1" x="2"/>', '<a x="<"/>', '<a'],
    ...['text', '<a/>text', '<a>&nbsp;</a>', '<a>&toString;</a>', '<a>&lt</a>', '<a>&#99999999;</a>'],
    ...['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '<!-- a -- b --><a/>', '<1/>', '< a/>'],
  ]
  for (const text of wrong) expect(() => parseXml(text), text).toThrow(SyntaxError)
})

/** What XML can hold. */
function isXml(text: string): boolean {
  return !/[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u.test(text)
}
