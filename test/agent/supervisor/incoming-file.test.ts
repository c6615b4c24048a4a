import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openIncoming } from '../../../src/agent/supervisor/incoming-file.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const command = '6f1c1f0e-0f55-4b43-9f0c-6f2f6f0c1a11'

test('a file whose name is as long as a name may be arrives, and nothing else is left beside it', async () => {
  const dir = await tempDir()
  const name = 'x'.repeat(255)
  const body = Buffer.from('what it holds')
  const sha256 = createHash('sha256').update(body).digest('hex')
  const promised = { id: command, size: body.length, sha256, mode: 0o644, ask: () => {} }
  {
    await using incoming = await openIncoming(join(dir, name), promised)
    const frame = { command, codec: 'none', offset: 0, rawLength: body.length, last: true, body } as const
    incoming.receiver.frame(frame)
    await incoming.receiver.finished
  }
  expect(await readdir(dir)).toEqual([name])
  expect(await readFile(join(dir, name), 'utf8')).toBe('what it holds')
})
