import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ImageService } from '../../src/web/services.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { browserPath, buildPage, launchBrowser, openPage, waitForText } from './browse.ts'
import { seedImages } from './seed-images.ts'
import { startTestWeb } from './start-test-web.ts'

test('images are shown with what is wrong with them, and can be built, used and removed', async ({
  skip,
}) => {
  if (!browserPath) return skip('needs a Chromium')
  const uiDir = await mkdtemp(join(tmpdir(), 'rouse-test-ui-'))
  const [database, browser] = [await createTestDatabase(), await launchBrowser()]
  onTestFinished(async () => {
    await browser.close()
    await database.close()
    await rm(uiDir, { recursive: true })
  })
  await buildPage(uiDir)
  const { db } = database
  await seedImages(db)
  const asked: unknown[] = []
  const images: ImageService = {
    names: () => ['debian-ci', 'unreachable'],
    trouble: (name) => (name === 'unreachable' ? 'the registry does not answer' : undefined),
    build: async (...args) => {
      asked.push(['build', ...args])
      return '3333333333333333'
    },
    use: async (name, pinned) => {
      asked.push(['use', name, pinned])
      await db.updateTable('image_names').set({ pinned }).where('name', '=', name).execute()
    },
    remove: async (...args) => {
      asked.push(['remove', ...args])
      return 'removing'
    },
    test: async () => ({ buildsetId: 1, requestIds: [1] }),
  }
  const { url, web } = await startTestWeb(database, { uiDir }, { images })
  onTestFinished(() => web.close())

  const page = await openPage(browser, url)
  await page.getByRole('link', { name: 'Images' }).click()
  await waitForText(page, 'the registry does not answer')
  await waitForText(page, 'build 7 ended in FAILURE: exit code 100')
  const row = (hash: string) => page.getByRole('row', { name: hash })
  await row('2222222222222222').getByText('in use').waitFor()
  expect(await row('2222222222222222').getByRole('button', { name: 'Remove' }).count()).toBe(0)
  expect(await row('5555555555555555').getByRole('button').allInnerTexts()).toEqual(['Remove'])
  page.on('dialog', (dialog) => void dialog.accept())
  await row('1111111111111111').getByRole('button', { name: 'Remove' }).click()
  await row('1111111111111111').getByRole('button', { name: 'Use' }).click()
  await waitForText(page, 'chosen by hand')
  await page.getByRole('button', { name: 'Build', exact: true }).first().click()
  await waitFor('all to be asked', () => asked.length === 3)
  expect(asked).toEqual([
    ['remove', 'debian-ci', '1111111111111111'],
    ['use', 'debian-ci', '1111111111111111'],
    ['build', 'debian-ci', { again: false }],
  ])
})
