import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seedIso } from '../../../workers/libvirt/seed-iso.ts'

const files = { 'meta-data': 'instance-id: x\n', 'user-data': '#!/bin/sh\necho hello\n'.repeat(300) }

test('a seed is a file system with the label that cloud-init looks for', async ({ onTestFinished, skip }) => {
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const image = join(folder, 'seed.iso')
  await writeFile(image, seedIso(files))
  let found: string
  try {
    found = execFileSync('/sbin/blkid', ['-p', image], { encoding: 'utf8' })
  } catch {
    return skip('needs blkid')
  }
  expect(found).toMatch(/LABEL="cidata".*TYPE="iso9660"/)
})

test('the same files give the same seed, and each begins where its entry says', () => {
  const image = seedIso(files)
  expect(seedIso(files)).toEqual(image)
  const sector = 2048
  for (const [root, encode] of [
    [21, (name: string) => Buffer.from(`${name.toUpperCase()};1`)],
    [24, (name: string) => Buffer.from(name, 'utf16le').swap16()],
  ] as const) {
    const folder = image.subarray(root * sector, (root + 1) * sector)
    for (const [name, content] of Object.entries(files)) {
      const entry = folder.indexOf(encode(name)) - 33
      const [from, size] = [folder.readUInt32LE(entry + 2) * sector, folder.readUInt32LE(entry + 10)]
      expect(image.toString('utf8', from, from + size)).toBe(content)
    }
  }
})
