import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { imageHash } from '../../../src/latent/images/image-hash.ts'
import type { ImageSpec } from '../../../src/latent/images/image-spec.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('every input changes the hash, and the same inputs give the same', async () => {
  const dir = await tempDir()
  await writeFile(join(dir, 'a.sh'), 'one')
  const spec: ImageSpec = {
    name: 'ci',
    backend: 'docker here',
    from: 'debian:12',
    provision: ['apt-get update', { script: 'a.sh' }, { file: 'a.sh', to: '/opt/a' }],
  }
  const other = { base: 'sha256:1', fresh: 0, configDir: dir }
  const first = await imageHash(spec, other)
  expect(first).toMatch(/^[0-9a-f]{16}$/)
  expect(await imageHash({ ...spec, name: 'other', keep: 5 }, other)).toBe(first)
  const changed = [
    await imageHash({ ...spec, backend: 'docker there' }, other),
    await imageHash({ ...spec, from: 'debian:13' }, other),
    await imageHash({ ...spec, size: '20g' }, other),
    await imageHash({ ...spec, provision: spec.provision.slice(0, 2) }, other),
    await imageHash({ ...spec, provision: spec.provision.toReversed() }, other),
    await imageHash(spec, { ...other, base: 'sha256:2' }),
    await imageHash(spec, { ...other, fresh: 1 }),
  ]
  await writeFile(join(dir, 'a.sh'), 'two')
  changed.push(await imageHash(spec, other))
  expect(new Set([first, ...changed]).size).toBe(changed.length + 1)
})

test('a file that is not there is named', async () => {
  const spec: ImageSpec = { name: 'ci', backend: 'b', from: 'f', provision: [{ script: 'gone.sh' }] }
  await expect(imageHash(spec, { base: '', fresh: 0, configDir: await tempDir() })).rejects.toThrow(
    /gone\.sh/,
  )
})
