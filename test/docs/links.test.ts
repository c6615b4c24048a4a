import { existsSync } from 'node:fs'
import { glob, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

test('every link between documents leads to a file that exists', async () => {
  const dead: string[] = []
  for await (const file of glob(['*.md', 'docs/**/*.md'], { cwd: checkout })) {
    const text = await readFile(join(checkout, file), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      if (!existsSync(join(checkout, dirname(file), target))) dead.push(`${file}: ${target}`)
  }
  expect(dead).toEqual([])
})

test('docs/index.md names every document', async () => {
  const index = await readFile(join(checkout, 'docs/index.md'), 'utf8')
  const files = (await readdir(join(checkout, 'docs'))).filter((file) => file.endsWith('.md'))
  const unnamed = files.filter((file) => file !== 'index.md' && !index.includes(`(${file})`))
  expect(unnamed).toEqual([])
})
