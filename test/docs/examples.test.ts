import { spawnSync } from 'node:child_process'
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

test('every config in the documents is typed right and passes rouse check', async () => {
  const folder = await folderInside()
  const examples = await completeExamples()
  expect(examples.length).toBeGreaterThan(3)
  for (const [i, { text }] of examples.entries()) await writeFile(join(folder, `example-${i}.ts`), text)
  const options = { extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options))

  const types = node(['node_modules/typescript/bin/tsc', '--noEmit', '-p', folder])
  expect(types.stdout).toBe('')
  for (const [i, { file, text }] of examples.entries()) {
    if (!text.includes('defineMaster')) continue
    const check = node([
      '--conditions=source',
      'src/cli.ts',
      'check',
      '--config',
      join(folder, `example-${i}.ts`),
    ])
    expect(check.status, `${file}: ${check.stdout}${check.stderr}`).toBe(0)
  }
})

async function completeExamples(): Promise<{ file: string; text: string }[]> {
  const examples: { file: string; text: string }[] = []
  for await (const file of glob(['*.md', 'docs/*.md'], { cwd: checkout })) {
    const text = await readFile(join(checkout, file), 'utf8')
    for (const [, code = ''] of text.matchAll(/```ts\n(import .*?)```/gs)) examples.push({ file, text: code })
  }
  return examples
}

/** `import 'rouse'` works only inside the checkout. */
async function folderInside(): Promise<string> {
  await mkdir(join(checkout, '.rouse'), { recursive: true })
  const folder = await mkdtemp(join(checkout, '.rouse', 'docs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function node(args: string[]) {
  return spawnSync(process.execPath, args, { cwd: checkout, encoding: 'utf8', timeout: 60_000 })
}
