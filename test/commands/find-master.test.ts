import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { fakeMaster } from './helpers/fake-master.ts'
import { rouse } from './helpers/run-cli.ts'

test('the master is found by master.json in the data folder, also by that of a config', async () => {
  const master = await fakeMaster()
  const dir = await tempDir()
  const here = await writeMasterFile(join(dir, 'rouse-data'), master.url)
  await writeFile(join(dir, 'other.config.mjs'), `export default { dataDir: 'elsewhere' }`)

  const found = rouse(['workers'], { cwd: dir })
  expect(await found.ended()).toBe(0)
  expect(master.asked).toHaveLength(1)

  const none = rouse(['workers', '--config', 'other.config.mjs'], { cwd: dir })
  expect(await none.ended()).toBe(69)
  expect(none.err()).toContain(join(dir, 'elsewhere/master.json'))

  await writeMasterFile(join(dir, 'elsewhere'), master.url)
  const byConfig = rouse(['workers', '--config', join(dir, 'other.config.mjs')])
  expect(await byConfig.ended()).toBe(0)
  expect(master.asked).toHaveLength(2)

  await writeFile(here, '{"url": "http')
  const broken = rouse(['workers'], { cwd: dir, env: { ROUSE_URL: master.url } })
  expect(await broken.ended()).toBe(0)
})

async function writeMasterFile(dataDir: string, url: string): Promise<string> {
  await mkdir(dataDir)
  const file = join(dataDir, 'master.json')
  await writeFile(file, JSON.stringify({ url, pid: 123 }))
  return file
}
