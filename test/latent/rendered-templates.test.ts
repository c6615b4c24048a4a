import { expect, test } from 'vitest'
import type { PropertyReader } from '../../src/model/properties.ts'
import { RenderedTemplates } from '../../src/latent/rendered-templates.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

function open(template: unknown, image: (request: number) => string | undefined = () => 'a') {
  let ready = 0
  const clock = new ManualClock()
  const templates = new RenderedTemplates(template, {
    clock,
    propertiesOf: async (request) => {
      const value = image(request)
      return value === undefined ? undefined : ({ get: () => value } as unknown as PropertyReader)
    },
    ready: () => void ready++,
  })
  return { clock, templates, ready: () => ready }
}

test('templates with the same content are equal, whatever the order of their keys', () => {
  const one = open({ image: 'a', env: { x: 1, y: 2 } }).templates.constant
  const two = open({ env: { y: 2, x: 1 }, image: 'a' }).templates.constant
  const three = open({ image: 'b', env: { x: 1, y: 2 } }).templates.constant
  expect(one).toMatchObject({ hash: (two as { hash: string }).hash })
  expect(one).not.toMatchObject({ hash: (three as { hash: string }).hash })
})

test('a computed template is there a moment after it was asked for, and says so', async () => {
  const { ready, templates } = open((p: PropertyReader) => ({ image: p.get('image') }))
  expect(templates.constant).toBe(undefined)
  expect(templates.of(1)).toBe(undefined)
  await waitFor('the template', ready)
  expect(templates.of(1)).toMatchObject({ template: { image: 'a' } })
  expect(ready()).toBe(1)
})

test('a function that throws, or gives nothing, is a mistake of that request', async () => {
  const { ready, templates } = open(
    (p: PropertyReader) => {
      if (p.get('image') === 'bad') throw new Error('no such image')
      return undefined
    },
    (request) => (request === 1 ? 'bad' : 'a'),
  )
  templates.of(1)
  templates.of(2)
  await waitFor('both', () => ready() === 2)
  expect(templates.of(1)).toEqual({ error: 'its template could not be computed: no such image' })
  expect(templates.of(2)).toEqual({ error: 'its template is empty' })
})

test('a function that never answers is a mistake of that request, too', async () => {
  const { clock, ready, templates } = open(() => new Promise(() => {}))
  templates.of(1)
  await waitFor('its end', () => {
    clock.advance(1000)
    return ready()
  })
  expect(templates.of(1)).toEqual({
    error: 'its template could not be computed: it did not answer within 10 s',
  })
})
