import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clusterKey } from '../../src/latent/cluster-key.ts'
import { instanceToken } from '../../src/latent/token.ts'
import { tempDir } from '../helpers/temp-dir.ts'

test('the first start writes a key that only its owner may read; later ones find it', async () => {
  const dataDir = join(await tempDir(), 'data')
  const key = await clusterKey({ dataDir })
  expect(key).toHaveLength(32)
  expect(await clusterKey({ dataDir })).toEqual(key)
  expect((await stat(join(dataDir, 'cluster.key'))).mode & 0o777).toBe(0o600)
  expect(await readdir(dataDir)).toEqual(['cluster.key'])
})

test('masters that start at the same time agree on one key', async () => {
  const dataDir = await tempDir()
  const keys = await Promise.all(Array.from({ length: 10 }, () => clusterKey({ dataDir })))
  for (const key of keys) expect(key).toEqual(keys[0])
  expect(await readdir(dataDir)).toEqual(['cluster.key'])
})

test('a key of the config needs no file; one that is too short is refused', async () => {
  const dataDir = await tempDir()
  const configured = 'a secret of thirty-two characters'
  const key = await clusterKey({ dataDir, configured })
  expect(key).toHaveLength(32)
  expect(await clusterKey({ dataDir: await tempDir(), configured })).toEqual(key)
  expect(await clusterKey({ dataDir, configured: `${configured}!` })).not.toEqual(key)
  expect(await readdir(dataDir)).toEqual([])
  await expect(clusterKey({ dataDir, configured: 'hush' })).rejects.toMatchObject({
    code: 'ROUSE_CLUSTER_KEY',
  })
})

test('a damaged key is not replaced, because tokens of it may be in use', async () => {
  const dataDir = await tempDir()
  await writeFile(join(dataDir, 'cluster.key'), 'short')
  await expect(clusterKey({ dataDir })).rejects.toMatchObject({
    code: 'ROUSE_CLUSTER_KEY',
    message: expect.stringContaining('5 bytes instead of 32'),
  })
})

test('a token is the same each time for one key, instance and generation, and for no other', () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const token = instanceToken(key, 'dock-1', 1)
  expect(token).toMatch(/^[\w-]{43}$/)
  expect(instanceToken(key, 'dock-1', 1)).toBe(token)
  const others = [
    instanceToken(other, 'dock-1', 1),
    instanceToken(key, 'dock-1', 2),
    instanceToken(key, 'dock-11', 1),
    instanceToken(key, 'dock-2', 1),
  ]
  expect(new Set([token, ...others]).size).toBe(5)
})
