import { expect, test } from 'vitest'
import { interpolate } from '../../src/model/interpolate.ts'
import { Properties } from '../../src/model/properties.ts'

const values = {
  branch: 'main',
  count: 3,
  flag: false,
  list: [1, 'a'],
  map: { k: 'v' },
  'a.b-c': 'dotted',
  tricky: '$& %(prop:branch)s',
}
const properties = new Properties(
  Object.entries(values).map(([name, value]) => ({ name, value, source: 'force' })),
)

test.each([
  ['plain text', 'plain text'],
  ['git checkout %(prop:branch)s', 'git checkout main'],
  ['%(prop:branch)s/%(prop:branch)s', 'main/main'],
  ['%(prop:count)s and %(prop:flag)s', '3 and false'],
  ['%(prop:list)s %(prop:map)s', '[1,"a"] {"k":"v"}'],
  ['%(prop:a.b-c)s', 'dotted'],
  ['[%(prop:missing)s]', '[]'],
  ['%(prop:missing:-all)s', 'all'],
  ['%(prop:missing:-)s', ''],
  ['%(prop:branch:-other)s', 'main'],
  ['%(prop:missing:-a:-b c)s', 'a:-b c'],
  ['100%% of %(prop:branch)s', '100% of main'],
  ['%%(prop:branch)s', '%(prop:branch)s'],
])('%j becomes %j', (template, expected) => {
  expect(interpolate(template)(properties)).toBe(expected)
})

test('what a property holds is not filled in again', () => {
  expect(interpolate('<%(prop:tricky)s>')(properties)).toBe('<$& %(prop:branch)s>')
})

test.each(['%(prop:branch)', '%(prop:)s', '%(src::branch)s', '%s', '50% off'])(
  '%j is no placeholder and stays as it is',
  (template) => {
    expect(interpolate(template)(properties)).toBe(template)
  },
)
