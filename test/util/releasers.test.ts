import { expect, test } from 'vitest'
import { Releasers } from '../../src/util/releasers.ts'

test('what was opened last is released first, one after the other', async () => {
  const log: string[] = []
  const releasers = new Releasers()
  for (const name of ['database', 'web', 'agents']) {
    releasers.add(name, async () => {
      log.push(`${name} begins`)
      await Promise.resolve()
      log.push(`${name} ends`)
    })
  }
  await releasers.release()
  expect(log).toEqual(['agents', 'web', 'database'].flatMap((name) => [`${name} begins`, `${name} ends`]))
})

test('everything is released once, however often it is asked for', async () => {
  let count = 0
  const releasers = new Releasers()
  releasers.add('socket', () => count++)
  await Promise.all([releasers.release(), releasers.release()])
  await releasers.release()
  expect(count).toBe(1)
})

test('a failure does not keep the others from being released, and the first one is reported with its cause', async () => {
  const released: string[] = []
  const cause = new Error('busy')
  const releasers = new Releasers()
  releasers.add('a', () => released.push('a'))
  releasers.add('b', () => Promise.reject(new Error('later')))
  releasers.add('c', () => {
    throw cause
  })
  await expect(releasers.release()).rejects.toMatchObject({ message: 'releasing c failed', cause })
  expect(released).toEqual(['a'])
})

test('what is opened while the release runs is released too', async () => {
  const released: string[] = []
  const releasers = new Releasers()
  releasers.add('starting part', () => {
    releasers.add('its late child', () => released.push('child'))
  })
  await releasers.release()
  expect(released).toEqual(['child'])
})
