import { randomUUID } from 'node:crypto'
import { readdir, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { ArtifactStore } from '../../src/builds/artifact-store.ts'
import { tidyArtifacts } from '../../src/builds/tidy-artifacts.ts'
import { systemClock } from '../../src/util/clock.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { seedBuild } from '../web/seed.ts'
import { ownDatabase } from './test-core.ts'

test('files whose rows were never stored are removed after an hour, and nothing else is', async () => {
  const { db } = await ownDatabase()
  const { build } = await seedBuild(db, { result: null })
  const upload = { build_id: build, number: 1, name: 'upload' }
  const step = await db.insertInto('steps').values(upload).returning('id').executeTakeFirstOrThrow()
  const store = new ArtifactStore(await tempDir())
  await store.open()
  const bring = async ({ old, stored, open = false }: { old: boolean; stored: boolean; open?: boolean }) => {
    const file = await store.create(build, randomUUID())
    await file.write(Buffer.from('x'))
    await file.keep()
    const { path } = file
    if (old) await utimes(store.pathOf(path), 0, (Date.now() - 7_200_000) / 1000)
    const row = {
      build_id: build,
      step_id: step.id,
      name: path,
      path,
      type: 'text/plain',
      size: 1,
      sha256: 'x',
    }
    if (stored) await db.insertInto('artifacts').values(row).execute()
    if (!open) await file.close()
    return file
  }
  const stored = await bring({ old: true, stored: true })
  const leftOver = await bring({ old: true, stored: false })
  const young = await bring({ old: false, stored: false })
  const coming = await bring({ old: true, stored: false, open: true })
  const tidy = () => tidyArtifacts(store, { clock: systemClock, db, signal: new AbortController().signal })
  const left = async () =>
    (await readdir(dirname(store.pathOf(stored.path)))).map((name) => `${build}/${name}`).sort()

  await tidy()
  expect(await left()).toEqual([stored, young, coming].map(({ path }) => path).sort())
  expect(await left()).not.toContain(leftOver.path)
  await coming.close()
  await tidy()
  expect(await left()).toEqual([stored, young].map(({ path }) => path).sort())
})
