import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ask } from './ask.ts'
import { browserPath, buildPage, launchBrowser, openPage, waitForText } from './browse.ts'
import { seedBuild, seedChunks, seedInstance, seedLog, seedRequest } from './seed.ts'
import { seedNotices } from './seed-notices.ts'
import { startTestWeb, type TestWeb } from './start-test-web.ts'

const skipped = browserPath ? '' : ' (skipped: there is no Chromium on this machine)'

let database: TestDatabase
let uiDir: string
let web: TestWeb
beforeAll(async () => {
  database = await createTestDatabase()
  uiDir = await mkdtemp(join(tmpdir(), 'rouse-test-ui-'))
  await buildPage(uiDir)
})
afterAll(async () => {
  await database.close()
  await rm(uiDir, { recursive: true })
})
beforeEach(async () => {
  web = await startTestWeb(database, { uiDir })
  onTestFinished(() => web.web.close())
})

describe('the built page', () => {
  test('is served with its parts, which may be kept, while the page itself is asked for anew', async () => {
    const page = await ask(web.url)
    expect(page.status).toBe(200)
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    })
    const parts = [...page.body.toString().matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map((match) => match[1]!)
    expect(parts.length).toBeGreaterThanOrEqual(3)
    for (const part of parts) {
      const { status, headers } = await ask(web.url + part)
      expect(status, part).toBe(200)
      if (part.startsWith('/assets/')) expect(headers['cache-control']).toContain('immutable')
    }
  })

  test('has nothing inline that its Content-Security-Policy would have to allow, and names no other host', async () => {
    const html = (await ask(web.url)).body.toString()
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/)
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/)
    expect(html).not.toMatch(/https?:\/\//)
  })

  test('does not give out other files', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/assets/..%2f..%2fpackage.json',
      '/.env',
      '/assets',
    ])
      expect((await ask(web.url + path)).status, path).toBeGreaterThanOrEqual(400)
  })

  test('that is not built is replaced by a hint', async () => {
    const bare = await startTestWeb(database, { uiDir: join(uiDir, 'nowhere') })
    onTestFinished(() => bare.web.close())
    const { status, headers, body } = await ask(bare.url)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(body.toString()).toContain('npm run build')
  })
})

describe.skipIf(!browserPath)(`in a browser${skipped}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  test('what does not work is seen at once, told with what to do, and tried again', async () => {
    await seedNotices(database.db)
    const page = await open('/')
    await page.getByRole('link', { name: /^Health/ }).click()
    await waitForText(page, 'mail to bob@acme.example')
    await waitForText(page, 'Start the relay.')
    await page.getByRole('link', { name: 'mail to bob@acme.example' }).click()
    await waitForText(page, 'worker bot is missing')
    await page.getByRole('link', { name: 'All of the last 30 days' }).click()
    await waitForText(page, 'a newer one says what is true now')
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await waitFor('the retry', () => web.retriedNotices.length === 1)
  })

  test('the overview lists builders, workers, what waits and why, and builds, and stays true', async () => {
    const { build } = await seedBuild(database.db)
    await seedRequest(database.db)
    const page = await open('/')
    await waitForText(page, 'Unit tests')
    await waitForText(page, 'runs 1 of 2 builds')
    await waitForText(page, 'waits for a free worker')
    await waitForText(page, `#${build}`)
    const late = await seedBuild(database.db, { result: 'FAILURE' })
    web.events.publish({
      type: 'build.finished',
      build: late.build,
      request: late.request,
      builder: 'unit',
      worker: 'bot',
      result: 'FAILURE',
    })
    await waitForText(page, `#${late.build}`)
  })

  test('a builder is forced with branch and reason', async () => {
    const page = await open('/')
    await page.getByRole('button', { name: 'Force' }).first().click()
    await page.getByPlaceholder('the default branch').fill('feature')
    await page.locator('dialog[open] button[type=submit]').click()
    await waitFor('the force', () => web.forced.length === 1)
    expect(web.forced[0]).toMatchObject({ builder: 'unit', branch: 'feature' })
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
  })

  test('a build shows its steps and follows the log of the one that runs', async () => {
    const { db } = database
    const { build } = await seedBuild(db, { result: null })
    const { log } = await seedLog(db, build)
    await seedChunks(db, log, [
      { codec: 'none', parts: [{ stream: 'header', text: 'npm test\n' }] },
      {
        codec: 'zstd',
        parts: [
          { stream: 'stdout', text: '\x1b[32mfirst\x1b[0m line\n' },
          { stream: 'stderr', text: 'oops\n' },
        ],
      },
    ])
    const page = await open(`/#/builds/${build}`)
    await waitForText(page, 'first line')
    await expectText(page, '.line-text .stderr', 'oops')
    await expectText(page, '.line-text .header', 'npm test')

    await seedChunks(db, log, [
      { codec: 'none', parts: [{ stream: 'stdout', text: '<b>second</b> line\n' }] },
    ])
    web.events.publish({ type: 'log.grew', build, log, bytes: 100, lines: 4 })
    await waitForText(page, '<b>second</b> line')

    const next = await seedLog(db, build, 2)
    await seedChunks(db, next.log, [
      { codec: 'none', parts: [{ stream: 'stdout', text: 'the next step\n' }] },
    ])
    await db
      .updateTable('steps')
      .set({ result: 'SUCCESS', finished_at: new Date() })
      .where('build_id', '=', build)
      .where('number', '=', 1)
      .execute()
    web.events.publish({
      type: 'step.started',
      build,
      step: next.step,
      number: 2,
      name: 'step 2',
    })
    await waitForText(page, 'the next step')
    expect(await page.getByText('first line').count()).toBe(0)

    await page.getByRole('button', { name: 'Cancel' }).click()
    await waitFor('the cancel', () => web.cancelled.length === 1)
    expect(web.cancelled[0]).toContain(`build ${build}`)
  })

  test('a build shows steps that are added to it at once, and what it has stored, also in a narrow window', async () => {
    const { db } = database
    const { build } = await seedBuild(db, { result: null })
    const { step } = await seedLog(db, build)
    const long = 'name-without-an-end-'.repeat(10)
    const file = { build_id: build, step_id: step, path: 'x', sha256: 'x', type: 'text/plain' }
    await db
      .insertInto('artifacts')
      .values([
        { ...file, name: 'app.tgz', size: 1_536_000, created_at: new Date(0) },
        { ...file, name: long, size: 1 },
      ])
      .execute()
    const page = await open(`/#/builds/${build}`)
    await page.setViewportSize({ width: 390, height: 800 })
    await waitForText(page, '1.5 MiB')
    const [row] = await page.locator('.artifacts tr').all()
    expect(await row!.locator('td').allInnerTexts()).toEqual(expect.arrayContaining(['app.tgz', '1.5 MiB']))
    expect(await row!.locator('td', { hasText: /1970|1969/ }).isVisible()).toBe(false)

    const added = await seedLog(db, build, 2)
    await db.updateTable('steps').set({ name: long }).where('id', '=', added.step).execute()
    web.events.publish({ type: 'step.added', build, step: added.step, number: 2, name: long })
    await waitFor('the new step', async () => (await page.locator('.step-name').count()) === 2)
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
    await page.setViewportSize({ width: 1200, height: 800 })
    expect(await row!.locator('td', { hasText: /1970|1969/ }).isVisible()).toBe(true)
  })

  test('a log of 100,000 lines shows its end at once and the rest on demand', async () => {
    const { db } = database
    const { build } = await seedBuild(db, { result: null })
    const { log } = await seedLog(db, build)
    const chunks = Array.from({ length: 50 }, (_, i) => {
      const text = Array.from({ length: 2000 }, (_line, j) => `this is line ${i * 2000 + j}\n`).join('')
      return { codec: 'zstd' as const, parts: [{ stream: 'stdout' as const, text }] }
    })
    await seedChunks(db, log, chunks)
    const page = await open(`/#/builds/${build}`)
    await waitForText(page, 'this is line 99999')
    expect(await page.locator('.line').count()).toBe(1000)
    for (let i = 1; i <= 6; i++) {
      await page.getByRole('button', { name: /Load earlier/ }).click()
      await waitForText(page, `this is line ${99_000 - i * 1000}`)
    }
    expect(await page.locator('.line').count()).toBe(5000)
    await page.getByRole('button', { name: /Jump to the end/ }).click()
    await waitForText(page, 'this is line 99999')
  })

  test('the page says when the master is away and goes on when it is back', async () => {
    const page = await open('/')
    await waitForText(page, 'Unit tests')
    const port = Number(new URL(web.url).port)
    await web.web.close()
    await waitForText(page, 'No connection to the master')
    const again = await startTestWeb(database, { uiDir, listen: { host: '127.0.0.1', port } })
    onTestFinished(() => again.web.close())
    await page.locator('.offline').waitFor({ state: 'detached' })
  })

  test('instances are shown with why they are as they are, and change while one looks', async () => {
    const { db } = database
    const id = await seedInstance(db, { state: 'starting', number: 7, price_per_hour: 3600 })
    const page = await open('/#/instances')
    await waitForText(page, 'dock/7')
    await waitForText(page, 'waits for its agent')
    await waitForText(page, 'Cost of the last seven days')
    const stop_reason = 'it was idle for 600 s'
    await db.updateTable('instances').set({ state: 'stopping', stop_reason }).where('id', '=', id).execute()
    web.events.publish({
      type: 'instance.changed',
      instance: id,
      name: 'dock/7',
      worker: 'dock',
      state: 'stopping',
    })
    await waitForText(page, stop_reason)
  })

  const open = (path: string): Promise<Page> => openPage(browser, web.url + path)
})

/** What is shown there, once it is laid out. */
async function expectText(page: Page, selector: string, text: string): Promise<void> {
  const shown = page.locator(selector)
  await waitFor(`${selector} to be shown`, async () => (await shown.innerText()) !== '')
  expect(await shown.innerText()).toBe(text)
}
