import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempDir } from './temp-dir.ts'

/** A folder of these files in which `import 'rouse'` means this checkout; removed when the test has finished. */
export async function configFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await tempDir()
  await mkdir(join(dir, 'node_modules'))
  await symlink(fileURLToPath(new URL('../..', import.meta.url)), join(dir, 'node_modules/rouse'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
  return dir
}

/** A config without mistakes. */
export const rightConfig = `
import { defineMaster, localWorker, step } from 'rouse'

export default defineMaster({
  workers: [localWorker('local-1')],
  builders: [{ name: 'unit', workers: ['local-1'], steps: [step('smoke', async () => {})] }],
})
`
