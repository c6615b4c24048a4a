import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { downloadArtifact } from '../../src/commands/client/download-artifact.ts'
import { MasterClient } from '../../src/commands/client/master-client.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { fakeMaster } from './helpers/fake-master.ts'

test('an artifact whose name is as long as a name may be can be downloaded', async () => {
  const master = await fakeMaster()
  const bytes = Buffer.from('what it holds')
  master.intercept = (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return true
  }
  const name = 'x'.repeat(255)
  const artifact = {
    id: 1,
    buildId: 1,
    stepId: 1,
    step: 'upload',
    name,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    type: 'text/plain',
    createdAt: '2026-01-02T03:04:05.000Z',
  }
  const dir = await tempDir()
  const client = new MasterClient({ url: master.url, from: 'from --url' })
  await downloadArtifact(client, artifact, dir, new AbortController().signal)
  expect(await readdir(dir)).toEqual([name])
})
