import { expect, test } from 'vitest'
import { fakeMaster, json } from './helpers/fake-master.ts'
import { rouse } from './helpers/run-cli.ts'

test('cluster says which it is, and why its latent workers are held', async () => {
  const master = await fakeMaster()
  master.intercept = ({ method, path }, response) => {
    const held = method === 'GET' ? 'is held: its database was copied' : null
    json(response, 200, { id: path === '/cluster/renew' ? 'b' : 'a', held })
    return true
  }
  const shown = rouse(['cluster', '--url', master.url])
  expect(await shown.ended()).toBe(0)
  expect(shown.out()).toBe('cluster a\nevery latent worker is held: its database was copied\n')
  const adopted = rouse(['cluster', 'adopt', '--url', master.url])
  expect(await adopted.ended()).toBe(0)
  expect(adopted.out()).toBe('cluster a\n')
  const renewed = rouse(['cluster', 'renew', '--json', '--url', master.url])
  expect(await renewed.ended()).toBe(0)
  expect(JSON.parse(renewed.out())).toEqual({ id: 'b', held: null })
  expect(master.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /cluster',
    'POST /cluster/adopt',
    'POST /cluster/renew',
  ])
})
