import { expect, test } from 'vitest'
import { Properties, propertySources, render, type PropertySource } from '../../src/model/properties.ts'

test.each([
  ['force', 'builder', 'force'],
  ['builder', 'force', 'force'],
  ['step', 'build', 'step'],
  ['worker', 'scheduler', 'worker'],
] satisfies [PropertySource, PropertySource, PropertySource][])(
  'of a property set by %s and then by %s, that of %s counts',
  (first, second, winner) => {
    const properties = new Properties([
      { name: 'os', value: first, source: first },
      { name: 'os', value: second, source: second },
    ])
    expect(properties.get('os')).toBe(winner)
  },
)

test('the strongest source wins whatever the order in which they come', () => {
  const all = propertySources.map((source) => ({ name: 'p', value: source, source }))
  expect(new Properties(all).get('p')).toBe('step')
  expect(new Properties(all.toReversed()).get('p')).toBe('step')
})

test('the same source may set a property again', () => {
  const properties = new Properties([{ name: 'n', value: 1, source: 'step' }])
  properties.set({ name: 'n', value: 2, source: 'step' })
  expect(properties.get('n')).toBe(2)
  expect(properties.list()).toEqual([{ name: 'n', value: 2, source: 'step' }])
})

test('a fallback counts only for a property that is not set at all', () => {
  const properties = new Properties(
    [0, '', false, null].map((value, index) => ({ name: `p${index}`, value, source: 'force' as const })),
  )
  expect([0, 1, 2, 3].map((index) => properties.get(`p${index}`, 'fallback'))).toEqual([0, '', false, null])
  expect(properties.get('other', 'fallback')).toBe('fallback')
  expect(properties.get('other')).toBeUndefined()
  expect([properties.has('p3'), properties.has('other')]).toEqual([true, false])
})

test('a property named __proto__ is a property like others', () => {
  const properties = new Properties([{ name: '__proto__', value: { admin: true }, source: 'force' }])
  expect(properties.get('__proto__')).toEqual({ admin: true })
  expect(Object.keys(properties.all())).toEqual(['__proto__'])
  expect(properties.has('admin')).toBe(false)
  expect(properties.has('toString')).toBe(false)
})

test('rendering computes functions, also inside arrays and objects, and leaves the rest as it is', () => {
  const properties = new Properties([{ name: 'node', value: '24', source: 'builder' }])
  const date = new Date(0)
  const value = {
    image: (p: Properties) => `node:${p.get('node')}`,
    args: ['-v', () => ['nested', () => 1]],
    date,
    none: null,
  }
  expect(render<unknown>(value, properties)).toEqual({
    image: 'node:24',
    args: ['-v', ['nested', 1]],
    date,
    none: null,
  })
  expect(value.args[0]).toBe('-v')
})
