import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { errorCatalogue } from '../../src/model/errors.ts'

test('docs/errors.md lists every error there is, in order, and no other', async () => {
  const text = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const documented = [...text.matchAll(/^\| `(ROUSE_\w+)` \| (.+) \| (.+) \|$/gm)].map(([, code]) => code)
  expect(documented).toEqual(Object.keys(errorCatalogue).sort())
})
