import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { ask, postJson } from './ask.ts'
import { startTestWeb, useTestWeb } from './start-test-web.ts'

const web = useTestWeb({}, { url: 'https://ci.acme.example/rouse/' })
const asked = ['/reconfig', '/stop', '/cluster/adopt', '/cluster/renew']
const post = async (path: string, headers: Record<string, string> = {}, url = web().url) =>
  (await postJson(`${url}/api/v1${path}`, {}, headers)).status

test('who asks on the machine of the master is heard', async () => {
  for (const path of asked) {
    expect(await post(path), path).toBe(200)
    expect(await post(path, { host: 'localhost' }), path).toBe(200)
  }
})

test.each([
  { 'x-forwarded-for': '203.0.113.7' },
  { 'X-Forwarded-For': '127.0.0.1' },
  { forwarded: 'for=203.0.113.7' },
  { via: '1.1 proxy' },
  { host: 'ci.acme.example' },
  { host: 'CI.acme.example:443' },
])('who comes through a proxy on that machine is not: %j', async (headers) => {
  for (const path of asked) expect(await post(path, headers), path).toBe(403)
  expect((await ask(`${web().url}/api/v1/builders`, { headers })).status).toBe(200)
})

test.each(['http://localhost:8010/', 'http://127.0.0.1:8010/', 'http://[::1]:8010/'])(
  'a public address that is only of this machine, %s, changes nothing',
  async (url) => {
    const local = await startTestWeb(web().database, {}, { url })
    try {
      expect(await post('/stop', { host: new URL(url).host }, local.url)).toBe(200)
    } finally {
      await local.web.close()
    }
  },
)

test('who asks at an address that this machine has in a network is on the machine, others are not', async ({
  skip,
}) => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  if (!own) skip('needs an address in a network')
  const all = await startTestWeb(
    web().database,
    { listen: { host: '0.0.0.0', port: 0 } },
    { url: `http://${own!.address}/` },
  )
  try {
    const { port } = new URL(all.url)
    const url = `http://${own!.address}:${port}`
    expect(await post('/stop', {}, url)).toBe(200)
    // As a proxy at the public address would pass it on.
    expect(await post('/stop', { host: own!.address }, url)).toBe(403)
  } finally {
    await all.web.close()
  }
})
